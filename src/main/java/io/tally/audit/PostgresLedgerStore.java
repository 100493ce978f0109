package io.tally.audit;

import io.r2dbc.postgresql.api.PostgresqlConnection;
import io.r2dbc.spi.Row;
import io.tally.postgres.LaneConnection;
import io.tally.postgres.Statements;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import reactor.core.publisher.Mono;

/** The books in PostgreSQL, on a connection of their own, so that a long sum delays no other statement. */
final class PostgresLedgerStore implements LedgerStore {

    /** $1 writers. The sums of one snapshot, in a row for each writer found, or in one row without a writer. */
    private static final String BALANCE = """
            select c.total as counters, w.total as deltas, own.id, own.operations
              from (select coalesce(sum(value), 0) as total from counter) c
             cross join (select coalesce(sum(delta), 0) as total from writer) w
              left join writer own on own.id = any($1)
            """;

    /** $1 writers. */
    private static final String SEEN = """
            update writer set seen_at = now() where id = any($1)
            """;

    /** A writer needs days without a heartbeat to count as a former one: a frozen instance must still find its row. */
    private static final String FOLD = """
            with former as (
              delete from writer where id <> 0 and seen_at < now() - interval '7 days' returning operations, delta
            ), total as (
              select sum(operations)::bigint as operations, sum(delta) as delta from former having count(*) > 0
            )
            update writer w set operations = w.operations + t.operations, delta = w.delta + t.delta, seen_at = now()
              from total t where w.id = 0
            """;

    private final LaneConnection connection;

    PostgresLedgerStore(LaneConnection connection) {
        this.connection = connection;
    }

    @Override
    public Mono<Balance> balance(Set<Long> writers) {
        return connection.use(open -> Statements.all(
                        open.createStatement(BALANCE).bind("$1", writers.toArray(Long[]::new)), Line::of)
                .map(PostgresLedgerStore::balance));
    }

    private static Balance balance(List<Line> lines) {
        Map<Long, Long> operations = new HashMap<>();
        lines.forEach(line -> operations.put(line.writer(), line.operations()));
        operations.remove(0L);
        return new Balance(lines.getFirst().counters(), lines.getFirst().deltas(), operations);
    }

    @Override
    public Mono<Void> tidy(Set<Long> writers) {
        return connection.use(open -> seen(open, writers).then(fold(open)));
    }

    private static Mono<Void> seen(PostgresqlConnection open, Set<Long> writers) {
        return Statements.rows(open.createStatement(SEEN).bind("$1", writers.toArray(Long[]::new)))
                .then();
    }

    private static Mono<Void> fold(PostgresqlConnection open) {
        return Statements.rows(open.createStatement(FOLD)).then();
    }

    @Override
    public Mono<Void> close() {
        return connection.close();
    }

    /** One row; writer 0, which no instance has, means none. */
    private record Line(BigInteger counters, BigInteger deltas, long writer, long operations) {

        static Line of(Row row) {
            return new Line(whole(row, "counters"), whole(row, "deltas"), orZero(row, "id"), orZero(row, "operations"));
        }

        private static BigInteger whole(Row row, String column) {
            return Objects.requireNonNull(row.get(column, BigDecimal.class), column)
                    .toBigIntegerExact();
        }

        private static long orZero(Row row, String column) {
            Long number = row.get(column, Long.class);
            return number == null ? 0 : number;
        }
    }
}
