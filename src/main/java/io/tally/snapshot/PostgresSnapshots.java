package io.tally.snapshot;

import io.tally.job.Claim;
import io.tally.job.JobKind;
import io.tally.job.LeasedWork;
import io.tally.job.PostgresJobRows;
import io.tally.postgres.CounterRows;
import io.tally.postgres.LaneConnection;
import java.time.Duration;
import reactor.core.publisher.Mono;

/** Snapshots in PostgreSQL, on dedicated connections, which are open during a snapshot. */
final class PostgresSnapshots implements JobKind {

    /** Enough time to count some tens of millions of counters. */
    static final Duration COUNT_MAX = Duration.ofMinutes(1);

    private final LaneConnection copying;
    private final LaneConnection counting;

    /** @param counting a connection whose statement time-out is {@link #COUNT_MAX} */
    PostgresSnapshots(LaneConnection copying, LaneConnection counting) {
        this.copying = copying;
        this.counting = counting;
    }

    @Override
    public String name() {
        return Snapshots.KIND;
    }

    @Override
    public Mono<Long> count(String namespace) {
        return counting.use(connection -> PostgresJobRows.one(
                        connection,
                        SnapshotSql.COUNT,
                        statement -> statement.bind("$1", namespace),
                        row -> CounterRows.number(row, "counters")))
                .delayUntil(count -> counting.close());
    }

    @Override
    public Mono<Claim> step(Claim claim) {
        return copying.use(connection -> PostgresJobRows.one(
                connection,
                SnapshotSql.STEP,
                statement -> statement
                        .bind("$1", claim.job().id())
                        .bind("$2", claim.number())
                        .bind("$3", claim.job().namespace())
                        .bind("$4", claim.reached())
                        .bind("$5", LeasedWork.LEASE.toMillis()),
                PostgresJobRows::claim));
    }

    @Override
    public Mono<Void> close() {
        return copying.close().then(counting.close());
    }
}
