package io.tally.snapshot;

import io.tally.job.Claim;
import io.tally.job.JobKind;
import io.tally.job.LeasedWork;
import io.tally.job.PostgresJobRows;
import io.tally.postgres.CounterRows;
import io.tally.postgres.LaneConnection;
import io.tally.shard.PerShard;
import java.time.Duration;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** Snapshots in PostgreSQL, on dedicated connections, which are open during a snapshot. */
final class PostgresSnapshots implements JobKind {

    /** Enough time to count some tens of millions of counters. */
    static final Duration COUNT_MAX = Duration.ofMinutes(1);

    private final PerShard<LaneConnection> copying;
    private final PerShard<LaneConnection> counting;

    /** @param counting connections whose statement time-out is {@link #COUNT_MAX} */
    PostgresSnapshots(PerShard<LaneConnection> copying, PerShard<LaneConnection> counting) {
        this.copying = copying;
        this.counting = counting;
    }

    @Override
    public String name() {
        return Snapshots.KIND;
    }

    @Override
    public Mono<Long> count(String namespace) {
        LaneConnection shard = counting.of(namespace);
        return shard.use(connection -> PostgresJobRows.one(
                        connection,
                        SnapshotSql.COUNT,
                        statement -> statement.bind("$1", namespace),
                        row -> CounterRows.number(row, "counters")))
                .delayUntil(count -> shard.close());
    }

    @Override
    public Mono<Claim> step(Claim claim) {
        return copying.of(claim.job().namespace())
                .use(connection -> PostgresJobRows.one(
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
        return Flux.concat(copying.all().stream().map(LaneConnection::close).toList())
                .concatWith(Flux.concat(
                        counting.all().stream().map(LaneConnection::close).toList()))
                .then();
    }
}
