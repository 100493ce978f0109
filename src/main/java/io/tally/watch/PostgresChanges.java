package io.tally.watch;

import io.r2dbc.spi.Connection;
import io.r2dbc.spi.Row;
import io.tally.counter.CounterId;
import io.tally.postgres.CounterRows;
import io.tally.postgres.Pool;
import io.tally.postgres.Statements;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** Changes of counters in PostgreSQL, on a pooled connection. */
final class PostgresChanges implements Changes {

    private final Pool pool;

    PostgresChanges(Pool pool) {
        this.pool = pool;
    }

    @Override
    public Mono<List<Change>> since(List<Seen> seen) {
        return pool.read(connection -> since(connection, seen));
    }

    private static Mono<List<Change>> since(Connection connection, List<Seen> seen) {
        List<CounterId> ids = seen.stream().map(Seen::id).toList();
        return Statements.all(
                        connection
                                .createStatement(WatchSql.CHANGES)
                                .bind("$1", CounterRows.namespaces(ids))
                                .bind("$2", CounterRows.names(ids))
                                .bind("$3", seen.stream().map(Seen::version).toArray(Long[]::new))
                                .bind(
                                        "$4",
                                        seen.stream()
                                                .map(PostgresChanges::createdAt)
                                                .toArray(String[]::new)),
                        PostgresChanges::change)
                .map(changes -> changes.stream()
                        .filter(change -> !isSeen(change, seen.get(change.place())))
                        .toList());
    }

    private static boolean isSeen(Change change, Seen seen) {
        return Seen.of(seen.id(), change.counter()).equals(seen);
    }

    private static @Nullable String createdAt(Seen seen) {
        Instant createdAt = seen.createdAt();
        return createdAt == null ? null : createdAt.toString();
    }

    private static Change change(Row row) {
        CounterRows.requirePrimary(row);
        return new Change((int) CounterRows.number(row, "place") - 1, CounterRows.current(row));
    }
}
