package io.tally.idempotency;

import io.tally.idempotency.ExpiredRows.Removal;
import io.tally.shard.PerShard;
import io.tally.shard.ShardRuns;
import java.time.Duration;
import java.time.Instant;
import java.util.function.LongConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.scheduling.annotation.Scheduled;
import reactor.core.publisher.Mono;

/**
 * Removes rows of one kind after their retention, in small steps with pauses. All instances share the work. A shard
 * that cannot be reached does not delay the others.
 */
public final class Pruner {

    private static final Logger log = LoggerFactory.getLogger(Pruner.class);

    /** One step takes some tens of milliseconds. */
    private static final int STEP_ROWS_MAX = 5_000;

    private static final Duration STEP_PAUSE = Duration.ofMillis(10);

    /**
     * Longer than a transaction, so that a pass finds rows that were written before the last pass and committed after
     * it.
     */
    private static final Duration OVERLAP = Duration.ofSeconds(15);

    private static final int INTERVAL_MILLIS = 1_000;

    private final String what;
    private final ShardRuns runs;
    private final Duration retention;
    private final LongConsumer observer;

    /**
     * A pruner that runs on a schedule.
     *
     * @param what the name of the rows in the log
     * @param observer gets the number of rows removed by each step
     */
    public Pruner(String what, PerShard<ExpiredRows> rows, Duration retention, LongConsumer observer) {
        this.what = what;
        this.runs = ShardRuns.inTurn(
                PerShard.of(
                        rows.sharding(),
                        index -> new Progress(rows.at(index), rows.sharding().where(index))),
                this::prune);
        this.retention = retention;
        this.observer = observer;
    }

    /** Removes the expired rows. */
    @Scheduled(fixedRate = INTERVAL_MILLIS)
    Mono<Void> prune() {
        return runs.start();
    }

    private Mono<Void> prune(Progress shard) {
        return Mono.defer(() -> new Pass(shard).steps()).onErrorResume(failure -> later(shard, failure));
    }

    private Mono<Void> later(Progress shard, Throwable failure) {
        log.warn("Removing expired {} failed{}; the next pass retries: {}", what, shard.where, failure.toString());
        return Mono.empty();
    }

    /** The rows of a shard, and how far they are removed. */
    private static final class Progress {

        private final ExpiredRows rows;
        private final String where;
        private volatile Instant reached = Instant.EPOCH;

        Progress(ExpiredRows rows, String where) {
            this.rows = rows;
            this.where = where;
        }
    }

    /** Runs steps until one removes less than its maximum. */
    private final class Pass {

        private final Progress shard;
        private Instant from;
        private boolean full;

        Pass(Progress shard) {
            this.shard = shard;
            this.from = shard.reached.minus(OVERLAP);
        }

        Mono<Void> steps() {
            return Mono.defer(this::step)
                    .repeatWhen(steps -> steps.takeWhile(step -> full).delayElements(STEP_PAUSE))
                    .then();
        }

        private Mono<Void> step() {
            return shard.rows
                    .remove(from, retention, STEP_ROWS_MAX)
                    .doOnNext(this::removed)
                    .then();
        }

        private void removed(Removal removal) {
            full = removal.removed() == STEP_ROWS_MAX;
            from = removal.reached();
            shard.reached = from.isAfter(shard.reached) ? from : shard.reached;
            observer.accept(removal.removed());
        }
    }
}
