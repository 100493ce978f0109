package io.tally.period;

import io.tally.counter.CounterId;
import io.tally.counter.Labels;
import io.tally.counter.Outcome;
import io.tally.counter.Outcome.ConstraintViolated;
import io.tally.counter.Outcome.Overloaded;
import io.tally.counter.Outcome.Swept;
import io.tally.period.Sweeps.Chunk;
import io.tally.period.Sweeps.Claim;
import io.tally.period.Sweeps.Kind;
import io.tally.period.Sweeps.Position;
import io.tally.pipeline.StoreFailure;
import io.tally.shard.PerShard;
import io.tally.shard.ShardRuns;
import io.tally.shard.Sharding;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.scheduling.annotation.Scheduled;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Stores what time has changed: begins periods and removes expired counters, in passes of small chunks with pauses. One
 * instance at a time makes the passes over a shard.
 */
final class Sweeper {
    /*
     * Beside the increments
     *
     * No increment and no read needs a pass: the first operation after the end of a period begins the next one, and
     * every read computes the current state. The passes keep the stored rows right for orders of lists, and remove
     * expired counters that no request touches again. They send their operations through the lanes, so that the books
     * balance and the fences hold.
     *
     * A counter that keeps its initial value in a period needs no pass. The next operation moves its end into the
     * future, so a pass reads each end once, and goes on after it.
     */

    private static final Logger log = LoggerFactory.getLogger(Sweeper.class);

    private static final int TICK_MILLIS = 1_000;

    /** Reading so many takes some tens of milliseconds. */
    static final int CHUNK_MAX = 5_000;

    /** The maximum of counters that wait for the lanes: a few batches. */
    private static final int SWEEPS_MAX = 1_000;

    /** The ratio of pauses to work. */
    private static final int REST_PER_WORK = 2;

    /** The time after which a pass records its end even if it has read nothing. */
    private static final Duration RECORD_INTERVAL = Duration.ofSeconds(5);

    private final Function<CounterId, Mono<Outcome>> sweep;
    private final Sharding sharding;
    private final Duration overlap;
    private final SweepMetrics metrics;
    private final ShardRuns periods;
    private final ShardRuns expiry;

    /**
     * Sweeps on a schedule.
     *
     * @param sweep stores the state of the current time of a counter
     * @param overlap the maximum time of a transaction: one that began before an end may store that end after a pass
     *     has gone past it
     */
    Sweeper(PerShard<Sweeps> shards, Function<CounterId, Mono<Outcome>> sweep, Duration overlap, SweepMetrics metrics) {
        this.sweep = sweep;
        this.sharding = shards.sharding();
        this.overlap = overlap;
        this.metrics = metrics;
        this.periods = runs(shards, Kind.PERIODS);
        this.expiry = runs(shards, Kind.EXPIRY);
    }

    private ShardRuns runs(PerShard<Sweeps> shards, Kind kind) {
        return ShardRuns.inTurn(
                PerShard.of(shards.sharding(), shard -> shard), shard -> pass(shards.at(shard), kind, shard));
    }

    /** Begins the periods of counters, unless another instance does it. */
    @Scheduled(fixedRate = TICK_MILLIS)
    Mono<Void> beginPeriods() {
        return periods.start();
    }

    /** Removes expired counters, unless another instance does it. */
    @Scheduled(fixedRate = TICK_MILLIS)
    Mono<Void> removeExpired() {
        return expiry.start();
    }

    private Mono<Void> pass(Sweeps sweeps, Kind kind, int shard) {
        return sweeps.claim(kind)
                .doOnNext(claim -> metrics.lag(kind, shard, lag(claim)))
                .switchIfEmpty(Mono.fromRunnable(() -> metrics.lag(kind, shard, Duration.ZERO)))
                .flatMap(claim -> new Pass(sweeps, kind, claim).chunks())
                .onErrorResume(StoreFailure.class, failure -> later(kind, shard, failure));
    }

    /** Before the first pass, nothing is late. */
    private static Duration lag(Claim claim) {
        return claim.reached().equals(Instant.EPOCH) ? Duration.ZERO : Duration.between(claim.reached(), claim.now());
    }

    private Mono<Void> later(Kind kind, int shard, StoreFailure failure) {
        log.warn(
                "A pass over {} failed{}; the next one retries: {}",
                Labels.label(kind),
                sharding.where(shard),
                failure.getMessage());
        return Mono.empty();
    }

    /** Sweeps chunk by chunk, to the counters that had ended when the pass began. */
    private final class Pass {

        private final Sweeps sweeps;
        private final Kind kind;
        private final Claim claim;
        private Position position;
        private boolean running = true;
        private boolean complete = true;

        Pass(Sweeps sweeps, Kind kind, Claim claim) {
            this.sweeps = sweeps;
            this.kind = kind;
            this.claim = claim;
            this.position = Position.before(claim.reached().minus(overlap));
        }

        Mono<Void> chunks() {
            return Mono.defer(this::chunk).repeat(() -> running).then();
        }

        private Mono<Void> chunk() {
            long startNanos = System.nanoTime();
            return sweeps.due(kind, position, claim.now(), CHUNK_MAX)
                    .delayUntil(chunk -> swept(chunk.due()))
                    .flatMap(chunk -> after(chunk, Duration.ofNanos(System.nanoTime() - startNanos)));
        }

        private Mono<Void> swept(List<CounterId> due) {
            return Flux.fromIterable(due)
                    .flatMap(sweep, SWEEPS_MAX)
                    .doOnNext(this::note)
                    .then();
        }

        /** A counter that was not swept holds up the record of the pass, but no other counter. */
        private void note(Outcome outcome) {
            // What a constraint of the operator rejects, a later pass could not store either.
            complete &= outcome instanceof Swept || outcome instanceof ConstraintViolated;
            running &= !(outcome instanceof Overloaded);
        }

        private Mono<Void> after(Chunk chunk, Duration took) {
            metrics.swept(kind, chunk.due().size(), took);
            position = chunk.last();
            boolean last = chunk.read() < CHUNK_MAX;
            Mono<Void> recorded = recorded(last ? claim.now() : position.end(), chunk.read() > 0);
            if (last || !running) {
                running = false;
                return recorded;
            }
            return recorded.then(Mono.delay(took.multipliedBy(REST_PER_WORK))).then(Mono.defer(this::kept));
        }

        private Mono<Void> recorded(Instant time, boolean read) {
            boolean due = read || time.isAfter(claim.reached().plus(RECORD_INTERVAL));
            return complete && due ? sweeps.reached(kind, time) : Mono.empty();
        }

        private Mono<Void> kept() {
            return sweeps.claim(kind)
                    .hasElement()
                    .doOnNext(kept -> running = kept)
                    .then();
        }
    }
}
