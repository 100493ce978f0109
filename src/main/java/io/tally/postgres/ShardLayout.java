package io.tally.postgres;

import io.r2dbc.postgresql.api.PostgresqlConnection;
import io.r2dbc.spi.Row;
import io.tally.StartupException;
import io.tally.pipeline.StoreFailure;
import io.tally.pipeline.StoreFailure.Cause;
import io.tally.pipeline.StoreFailure.Kind;
import io.tally.shard.Sharding;
import java.util.List;
import java.util.stream.IntStream;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * The number of shards as the database has it. The table {@code shard} of each schema has the number of its shard and
 * the count, from the first start on. A start with another count is refused: it would look for counters in other
 * schemas.
 */
final class ShardLayout {

    /** The schema in which the sessions find the tables; no row if they find none. */
    private static final String SINGLE = """
            select relnamespace::regnamespace::text as schema from pg_class
             where oid = to_regclass('writer') and to_regclass('counter') is not null
               and to_regclass('idempotency_key') is not null
            """;

    /** Whether a schema has records. $1 schema. Reads only the catalog, which needs no rights. */
    private static final String IS_RECORDED = """
            select exists (
              select from pg_class c join pg_namespace n on n.oid = c.relnamespace
               where n.nspname = $1 and c.relname = 'shard') as found
            """;

    /** A lock of the session, under a number that nothing else in a database uses. */
    private static final String CHOOSE = """
            select pg_try_advisory_lock(7236283946412) as alone
            """;

    /** Records a shard, unless it is recorded. $1 number, $2 count. */
    private static final String RECORD = """
            insert into shard (number, count) values ($1, $2) on conflict do nothing
            """;

    private static final String RECORDED = """
            select number, count from shard
            """;

    private final ShardSchemas schemas;
    private final int count;

    ShardLayout(ShardSchemas schemas) {
        this.schemas = schemas;
        this.count = schemas.sharding().count();
    }

    private record Recorded(int number, int count) {

        static Recorded of(Row row) {
            return new Recorded((int) CounterRows.number(row, "number"), (int) CounterRows.number(row, "count"));
        }
    }

    /**
     * Checks before the migrations that the database does not have another number of shards. If it has none yet, one
     * start at a time may go on: this one, until its session is closed. So of two first starts with different numbers,
     * one succeeds.
     *
     * @param plain a session with the search path of the URL or of the user
     * @return fails with a {@link StoreFailure} while another start goes on
     */
    Mono<Void> begin(LaneConnection plain) {
        return plain.use(connection -> counts(connection)
                        .flatMap(counts -> counts.isEmpty()
                                ? choosing(connection).then(Mono.defer(() -> counts(connection)))
                                : Mono.just(counts)))
                .doOnNext(this::require)
                .then();
    }

    private static Mono<Void> choosing(PostgresqlConnection connection) {
        return Statements.one(connection.createStatement(CHOOSE), row -> CounterRows.is(row, "alone"))
                .flatMap(alone -> alone ? Mono.empty() : Mono.error(ShardLayout::another));
    }

    private static StoreFailure another() {
        return new StoreFailure(
                Kind.UNAVAILABLE, Cause.CONNECTION, "another instance, which started first, creates the tables");
    }

    /**
     * Checks again after the records, so that the safety of the counters does not depend on the lock: of two starts
     * with different numbers, at least one finds the record of the other.
     *
     * @param plain as above
     */
    Mono<Void> end(LaneConnection plain) {
        return plain.use(this::counts).doOnNext(this::require).then();
    }

    /** The numbers of shards that the database has; empty if it has no tables. */
    private Mono<List<Integer>> counts(PostgresqlConnection connection) {
        return Flux.concat(several(connection), Mono.defer(() -> single(connection)))
                .collectList();
    }

    private void require(List<Integer> counts) {
        counts.forEach(this::require);
    }

    /** The recorded number of several shards; empty if there are none. */
    private Mono<Integer> several(PostgresqlConnection connection) {
        String first = schemas.numbered(0);
        return Statements.one(
                        connection.createStatement(IS_RECORDED).bind("$1", first), row -> CounterRows.is(row, "found"))
                .flatMap(recorded -> recorded
                        ? Statements.one(
                                connection.createStatement("select number, count from " + quoted(first) + ".shard"),
                                row -> Recorded.of(row).count())
                        : Mono.empty());
    }

    private static String quoted(String identifier) {
        return '"' + identifier.replace("\"", "\"\"") + '"';
    }

    /** 1 if the search path has the tables of a single shard; empty if it has none. */
    private Mono<Integer> single(PostgresqlConnection connection) {
        return Statements.one(connection.createStatement(SINGLE), row -> CounterRows.text(row, "schema"))
                .filter(schema -> count == 1 || !isNumbered(schema))
                .map(schema -> 1);
    }

    /** The user's own search path may name the schema of a shard. */
    private boolean isNumbered(String schema) {
        return IntStream.range(0, count).mapToObj(schemas::numbered).anyMatch(schema::equals);
    }

    /** Records a shard in its schema, and checks an earlier record. */
    Mono<Void> record(LaneConnection session, int index) {
        return session.use(connection -> Statements.rows(connection
                                .createStatement(RECORD)
                                .bind("$1", Sharding.number(index))
                                .bind("$2", count))
                        .then(Mono.defer(() -> Statements.one(connection.createStatement(RECORDED), Recorded::of))))
                .doOnNext(recorded -> require(recorded, index))
                .then();
    }

    private void require(Recorded recorded, int index) {
        require(recorded.count());
        if (recorded.number() != Sharding.number(index)) {
            throw new StartupException(
                    "The schema " + schemas.numbered(index) + " has the shard " + recorded.number() + ".",
                    "Restore each schema under its own name.");
        }
    }

    private void require(int found) {
        if (found != count) {
            throw new StartupException(
                    "The database has " + shards(found) + ", and tally.shards.count is " + count + ".",
                    "Set tally.shards.count to " + found + ". The number is chosen once, since it decides which schema"
                            + " a namespace is in.");
        }
    }

    private static String shards(int number) {
        return number == 1 ? "1 shard" : number + " shards";
    }
}
