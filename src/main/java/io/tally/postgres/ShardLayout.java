package io.tally.postgres;

import io.r2dbc.postgresql.api.PostgresqlConnection;
import io.r2dbc.spi.Row;
import io.tally.StartupException;
import io.tally.shard.Sharding;
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
     * Checks that the database does not have another number of shards. Changes nothing. Of two first starts at the same
     * time with different numbers, at least one finds the other by a check after its records.
     *
     * @param plain a session with the search path of the URL or of the user
     */
    Mono<Void> requireNoOther(LaneConnection plain) {
        return plain.use(connection -> Flux.concat(several(connection), Mono.defer(() -> single(connection)))
                        .collectList())
                .doOnNext(counts -> counts.forEach(this::require))
                .then();
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
