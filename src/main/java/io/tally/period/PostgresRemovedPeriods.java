package io.tally.period;

import io.r2dbc.spi.Connection;
import io.tally.idempotency.ExpiredRows;
import io.tally.postgres.CounterRows;
import io.tally.postgres.Pool;
import io.tally.postgres.Statements;
import java.time.Duration;
import java.time.Instant;
import reactor.core.publisher.Mono;

/** The ended periods of removed counters in PostgreSQL. They have no retention, since no request can read them. */
record PostgresRemovedPeriods(Pool pool) implements ExpiredRows {

    private static final int COUNTERS_MAX = 1_000;

    @Override
    public Mono<Removal> remove(Instant from, Duration retention, int max) {
        return pool.use(connection -> remove(connection, max)).map(removed -> new Removal(removed, from));
    }

    private static Mono<Long> remove(Connection connection, int max) {
        return Statements.one(
                connection
                        .createStatement(PeriodSql.REMOVE)
                        .bind("$1", COUNTERS_MAX)
                        .bind("$2", max),
                row -> CounterRows.number(row, "removed"));
    }
}
