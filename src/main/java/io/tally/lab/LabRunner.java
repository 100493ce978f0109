package io.tally.lab;

import io.tally.lab.LabDatabase.Bench;
import io.tally.lab.LabStore.Claim;
import io.tally.lab.LabStore.Ending;
import io.tally.lab.LabStore.Ending.Cancelled;
import io.tally.lab.LabStore.Ending.Done;
import io.tally.lab.LabStore.Ending.Failed;
import io.tally.lab.LabStore.Standing;
import io.tally.pipeline.StoreFailure;
import io.tally.pipeline.StoreRetry;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.event.ContextClosedEvent;
import org.springframework.context.event.EventListener;
import org.springframework.scheduling.annotation.Scheduled;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/**
 * Takes on runs and sees them to their end. An instance owns a run by a lease, which its progress renews. A run whose
 * instance has died cannot continue: the next owner removes what is left of it and marks it as failed.
 */
final class LabRunner {

    private static final Logger log = LoggerFactory.getLogger(LabRunner.class);

    /** How long a run waits to be taken on, at most; and how long somebody who asks it to stop waits to be heard. */
    private static final int TICK_MILLIS = 500;

    private static final Duration TICK = Duration.ofMillis(TICK_MILLIS);

    /** Some six seconds in all: a short outage of the database must not cost the result. */
    private static final int END_RETRIES_MAX = 6;

    private static final Duration END_BACKOFF_MIN = Duration.ofMillis(100);
    private static final Duration END_BACKOFF_MAX = Duration.ofSeconds(5);

    private final LabStore store;
    private final LabDatabase database;
    private final LabMetrics metrics;
    private final Duration runMax;
    private volatile boolean stopped;

    LabRunner(LabStore store, LabDatabase database, LabMetrics metrics, Duration runMax) {
        this.store = store;
        this.database = database;
        this.metrics = metrics;
        this.runMax = runMax;
    }

    /** Takes on a run, where one waits, and sees it to its end. */
    @Scheduled(fixedDelay = TICK_MILLIS)
    Mono<Void> work() {
        return Mono.defer(this::claimed)
                .flatMap(claim -> claim.isFresh() ? new Attempt(claim).run() : abandoned(claim))
                .onErrorResume(StoreFailure.class, LabRunner::notEnded);
    }

    /** One that cannot be had now can be had later; the lanes say in the log where the database is away. */
    private Mono<Claim> claimed() {
        return stopped
                ? Mono.empty()
                : store.claim()
                        .doOnError(StoreFailure.class, failure -> log.debug("No run was taken on", failure))
                        .onErrorComplete(StoreFailure.class);
    }

    private Mono<Void> abandoned(Claim claim) {
        return database.clear(claim.run().id())
                .thenReturn(new Failed("It broke off in the middle: its instance or the database went away."))
                .onErrorResume(LabObstacle.class, obstacle -> Mono.just(failed(obstacle)))
                .flatMap(ending -> store.end(claim, claim.run().done(), ending))
                .then();
    }

    private static Failed failed(LabObstacle obstacle) {
        return new Failed(String.valueOf(obstacle.getMessage()));
    }

    private static Mono<Void> notEnded(StoreFailure failure) {
        log.warn("A run of the lab waits for the end of its lease to be cleared away: {}", failure.getMessage());
        return Mono.empty();
    }

    /** Ends a run that is under way. The scheduler waits for that before it stops. */
    @EventListener(ContextClosedEvent.class)
    void stop() {
        stopped = true;
    }

    /** One claim on a run that nobody has begun. */
    private final class Attempt {

        private final Claim claim;
        private final Experiment experiment;
        private volatile @Nullable Trial trial;
        private volatile Standing standing;

        Attempt(Claim claim) {
            this.claim = claim;
            this.experiment = claim.run().experiment();
            this.standing = claim.run().stopping() ? Standing.STOPPING : Standing.GOES_ON;
        }

        /** Ends the run only when nothing is left of it: else it has to be taken on again. */
        Mono<Void> run() {
            log.info("The lab tries {}", experiment);
            Bench bench = database.bench(claim.run().id(), experiment);
            Mono<Ending> ending = standing == Standing.STOPPING ? Mono.just(new Cancelled()) : ending(bench);
            return whileTold(ending.delayUntil(known -> bench.tearDown()).flatMap(this::ended));
        }

        /** Says how far it is for as long as the work takes, set-up and tear-down included: that prolongs the lease. */
        private Mono<Void> whileTold(Mono<Void> work) {
            Sinks.Empty<Void> over = Sinks.empty();
            Mono<Void> progress = Flux.interval(TICK)
                    .onBackpressureDrop()
                    // What is under way is waited for: a statement that is cancelled may cost its connection.
                    .takeUntilOther(over.asMono())
                    .concatMap(tick -> progress(), 0)
                    .then();
            return Mono.whenDelayError(work.doFinally(signal -> over.tryEmitEmpty()), progress);
        }

        private Mono<Standing> progress() {
            return store.progress(claim, done())
                    // The increments fail, too, where the database is away, and that ends the trial.
                    .onErrorResume(StoreFailure.class, failure -> Mono.just(standing))
                    .doOnNext(this::stands);
        }

        private void stands(Standing now) {
            standing = now;
            stopUnlessItGoesOn();
        }

        private void stopUnlessItGoesOn() {
            Trial made = trial;
            if (made != null && (stopped || standing != Standing.GOES_ON)) {
                made.stop();
            }
        }

        private Mono<Ending> ending(Bench bench) {
            return bench.workers()
                    .map(workers -> new Trial(experiment, workers, runMax, System::nanoTime))
                    .doOnNext(this::begins)
                    .flatMap(made -> made.run().then(Mono.defer(() -> ending(bench, made))))
                    .onErrorResume(failure -> Mono.just(failed(failure)));
        }

        private void begins(Trial made) {
            trial = made;
            stopUnlessItGoesOn();
        }

        private Mono<Ending> ending(Bench bench, Trial made) {
            return switch (standing) {
                case STOPPING -> Mono.just(new Cancelled());
                case LOST -> Mono.just(new Failed("It was taken from the instance that ran it."));
                case GOES_ON ->
                    stopped && made.done() < experiment.increments()
                            ? Mono.just(new Failed("The instance that ran it was stopped in the middle."))
                            : bench.stored().map(made::result).map(Done::new);
            };
        }

        private Ending failed(Throwable failure) {
            return switch (failure) {
                case LabObstacle obstacle -> LabRunner.failed(obstacle);
                case StoreFailure known -> {
                    log.warn("A run of the lab failed: {}", known.getMessage());
                    yield new Failed("The database failed before all was measured. The log of the service says more.");
                }
                default -> {
                    log.error("A run of the lab failed in a way that nobody foresaw", failure);
                    yield new Failed("Something unforeseen went wrong. The log of the service says more.");
                }
            };
        }

        private Mono<Void> ended(Ending ending) {
            return store.end(claim, done(), ending)
                    .retryWhen(StoreRetry.write(failure -> true)
                            .maxAttempts(END_RETRIES_MAX)
                            .minBackoff(END_BACKOFF_MIN)
                            .maxBackoff(END_BACKOFF_MAX))
                    .doOnNext(isOurs -> tell(isOurs, ending))
                    .then();
        }

        private long done() {
            Trial made = trial;
            return made == null ? 0 : made.done();
        }

        private void tell(boolean isOurs, Ending ending) {
            log.info("The lab has tried {}: {}", experiment, isOurs ? ending : "taken from this instance");
            if (isOurs && ending instanceof Done measured) {
                metrics.measured(experiment, measured.result());
            }
        }
    }
}
