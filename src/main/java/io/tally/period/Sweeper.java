package io.tally.period;

import io.tally.counter.CounterId;
import io.tally.counter.Labels;
import io.tally.counter.Outcome;
import io.tally.counter.Outcome.ConstraintViolated;
import io.tally.counter.Outcome.Swept;
import io.tally.period.Sweeps.Chunk;
import io.tally.period.Sweeps.Claim;
import io.tally.period.Sweeps.Kind;
import io.tally.period.Sweeps.Position;
import io.tally.pipeline.StoreFailure;
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
 * instance at a time makes the passes.
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

    /** A few batches of the lanes. */
    static final int CHUNK_MAX = 1_000;

    /** The ratio of pauses to work. */
    private static final int REST_PER_WORK = 2;

    /**
     * Longer than a transaction: one that began before an end may store that end after a pass has gone past it. A miss
     * delays only orders of lists, until the next operation.
     */
    private static final Duration OVERLAP = Duration.ofSeconds(10);

    private final Sweeps sweeps;
    private final Function<CounterId, Mono<Outcome>> sweep;
    private final SweepMetrics metrics;

    /** @param sweep stores the state of the current time of a counter */
    Sweeper(Sweeps sweeps, Function<CounterId, Mono<Outcome>> sweep, SweepMetrics metrics) {
        this.sweeps = sweeps;
        this.sweep = sweep;
        this.metrics = metrics;
    }

    /** Makes a pass of each kind, unless another instance makes it. */
    @Scheduled(fixedDelay = TICK_MILLIS)
    Mono<Void> sweep() {
        return Flux.fromArray(Kind.values()).concatMap(this::pass).then();
    }

    private Mono<Void> pass(Kind kind) {
        return sweeps.claim(kind)
                .flatMap(claim -> new Pass(kind, claim).chunks())
                .onErrorResume(StoreFailure.class, failure -> later(kind, failure));
    }

    private static Mono<Void> later(Kind kind, StoreFailure failure) {
        log.warn("A pass over {} failed; the next one retries: {}", Labels.label(kind), failure.getMessage());
        return Mono.empty();
    }

    /** Sweeps chunk by chunk, to the counter that ended last. */
    private final class Pass {

        private final Kind kind;
        private final Instant until;
        private Position position;
        private State state = State.RUNNING;

        private enum State {
            RUNNING,
            /** All counters that had ended were swept. */
            DONE,
            /** Another instance has the lease, or the lanes refuse. */
            STOPPED
        }

        Pass(Kind kind, Claim claim) {
            this.kind = kind;
            this.until = claim.now();
            this.position = Position.before(claim.reached().minus(OVERLAP));
        }

        Mono<Void> chunks() {
            return Mono.defer(this::chunk)
                    .repeat(() -> state == State.RUNNING)
                    .then(Mono.defer(() -> state == State.DONE ? sweeps.reached(kind, until) : Mono.empty()));
        }

        private Mono<Void> chunk() {
            long startNanos = System.nanoTime();
            return sweeps.due(kind, position, CHUNK_MAX)
                    .delayUntil(chunk -> swept(chunk.due()))
                    .flatMap(chunk -> after(chunk, Duration.ofNanos(System.nanoTime() - startNanos)));
        }

        private Mono<Void> swept(List<CounterId> due) {
            return Flux.fromIterable(due)
                    .flatMap(sweep, CHUNK_MAX)
                    .filter(outcome -> !isDone(outcome))
                    .doOnNext(refused -> state = State.STOPPED)
                    .then();
        }

        /** What a constraint of the operator rejects, a later pass could not store either. */
        private static boolean isDone(Outcome outcome) {
            return outcome instanceof Swept || outcome instanceof ConstraintViolated;
        }

        private Mono<Void> after(Chunk chunk, Duration took) {
            metrics.swept(kind, chunk.due().size(), took);
            position = chunk.last();
            if (state == State.RUNNING && chunk.read() < CHUNK_MAX) {
                state = State.DONE;
            }
            metrics.lag(kind, state == State.RUNNING ? Duration.between(position.end(), until) : Duration.ZERO);
            return state == State.RUNNING
                    ? Mono.delay(took.multipliedBy(REST_PER_WORK)).then(Mono.defer(this::kept))
                    : Mono.empty();
        }

        private Mono<Void> kept() {
            return sweeps.claim(kind)
                    .hasElement()
                    .doOnNext(kept -> state = kept ? state : State.STOPPED)
                    .then();
        }
    }
}
