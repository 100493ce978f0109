package io.tally.lab;

import io.tally.job.LeasedWork;
import io.tally.lab.LabDatabase.Bench;
import io.tally.lab.LabStore.Claim;
import io.tally.lab.LabStore.ClaimState;
import io.tally.lab.LabStore.Ending;
import io.tally.lab.LabStore.Ending.Cancelled;
import io.tally.lab.LabStore.Ending.Done;
import io.tally.lab.LabStore.Ending.Failed;
import io.tally.pipeline.StoreFailure;
import io.tally.pipeline.StoreRetry;
import java.time.Duration;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Mono;

/**
 * Executes runs. Progress renews the lease. A run whose instance died cannot continue: the next owner removes its
 * leftovers and marks it as failed.
 */
final class LabRunner extends LeasedWork<Claim> {

    private static final Logger log = LoggerFactory.getLogger(LabRunner.class);

    /** Also the maximum delay of a stop request from a client. */
    private static final Duration PROGRESS_INTERVAL = Duration.ofMillis(500);

    /** About six seconds in total, so that a short outage of the database does not lose the result. */
    private static final int END_RETRIES_MAX = 6;

    private static final Duration END_BACKOFF_MIN = Duration.ofMillis(100);
    private static final Duration END_BACKOFF_MAX = Duration.ofSeconds(5);

    private final LabStore store;
    private final LabDatabase database;
    private final LabMetrics metrics;
    private final Duration runMax;

    LabRunner(LabStore store, LabDatabase database, LabMetrics metrics, Duration runMax) {
        this.store = store;
        this.database = database;
        this.metrics = metrics;
        this.runMax = runMax;
    }

    @Override
    protected Mono<Claim> claim() {
        return store.claim();
    }

    @Override
    protected Mono<Void> run(Claim claim) {
        return (claim.isFresh() ? new Attempt(claim).run() : abandoned(claim))
                .doOnError(StoreFailure.class, failure -> logUnended(claim.run().id(), failure))
                .onErrorComplete(StoreFailure.class);
    }

    private Mono<Void> abandoned(Claim claim) {
        return database.clear(claim.run().id())
                .thenReturn(new Failed("The run was interrupted: its instance or the database became unavailable."))
                .onErrorResume(LabObstacle.class, obstacle -> Mono.just(failed(obstacle)))
                .flatMap(ending -> store.end(claim, claim.run().done(), ending))
                .then();
    }

    private static Failed failed(LabObstacle obstacle) {
        return new Failed(String.valueOf(obstacle.getMessage()));
    }

    private static void logUnended(UUID run, StoreFailure failure) {
        log.warn(
                "Ending lab run {} failed; an instance clears it when its lease expires: {}",
                run,
                failure.getMessage());
    }

    /** One claim on a run that no instance has begun. */
    private final class Attempt {

        private final Claim claim;
        private final UUID id;
        private final Experiment experiment;
        private volatile @Nullable Measurement measurement;
        private volatile ClaimState state;

        Attempt(Claim claim) {
            this.claim = claim;
            this.id = claim.run().id();
            this.experiment = claim.run().experiment();
            this.state = claim.run().stopping() ? ClaimState.STOP_REQUESTED : ClaimState.ACTIVE;
        }

        /** Ends the run only after its tear-down; otherwise the next owner has to do the tear-down. */
        Mono<Void> run() {
            log.info("Lab run {} started: {}", id, experiment);
            Bench bench = database.bench(id, experiment);
            Mono<Ending> ending = state == ClaimState.STOP_REQUESTED ? Mono.just(new Cancelled()) : ending(bench);
            // Set-up and tear-down may take longer than a lease, too.
            return renewing(
                    PROGRESS_INTERVAL,
                    this::progress,
                    ending.delayUntil(known -> bench.tearDown()).flatMap(this::ended));
        }

        private Mono<ClaimState> progress() {
            return store.progress(claim, done()).doOnNext(now -> state = now).doOnTerminate(this::stopUnlessActive);
        }

        private void stopUnlessActive() {
            Measurement current = measurement;
            if (current != null && (isStopped() || state != ClaimState.ACTIVE)) {
                current.stop();
            }
        }

        private Mono<Ending> ending(Bench bench) {
            return bench.workers()
                    .map(workers -> new Measurement(experiment, workers, runMax, System::nanoTime))
                    .doOnNext(this::begin)
                    .flatMap(begun -> begun.run().then(Mono.defer(() -> ending(bench, begun))))
                    .onErrorResume(failure -> Mono.just(failed(failure)));
        }

        private void begin(Measurement begun) {
            measurement = begun;
            stopUnlessActive();
        }

        private Mono<Ending> ending(Bench bench, Measurement over) {
            return switch (state) {
                case STOP_REQUESTED -> Mono.just(new Cancelled());
                case LOST -> Mono.just(new Failed("The instance that executed the run lost its lease."));
                case ACTIVE ->
                    isStopped() && over.done() < experiment.increments()
                            ? Mono.just(new Failed("The instance that executed the run was shut down."))
                            : bench.stored().map(over::result).map(Done::new);
            };
        }

        private Ending failed(Throwable failure) {
            return switch (failure) {
                case LabObstacle obstacle -> LabRunner.failed(obstacle);
                case StoreFailure known -> {
                    log.warn("Lab run {} failed: {}", id, known.getMessage());
                    yield new Failed("The database failed during the run. The log of the service contains the cause.");
                }
                default -> {
                    log.error("Unexpected failure in lab run {}", id, failure);
                    yield new Failed("Unexpected failure. The log of the service contains the cause.");
                }
            };
        }

        private Mono<Void> ended(Ending ending) {
            return store.end(claim, done(), ending)
                    .retryWhen(StoreRetry.write(failure -> true)
                            .maxAttempts(END_RETRIES_MAX)
                            .minBackoff(END_BACKOFF_MIN)
                            .maxBackoff(END_BACKOFF_MAX))
                    .doOnNext(isOwner -> report(isOwner, ending))
                    .then();
        }

        private long done() {
            Measurement current = measurement;
            return current == null ? 0 : current.done();
        }

        private void report(boolean isOwner, Ending ending) {
            log.info("Lab run {} ended: {}", id, isOwner ? ending : "the lease was lost");
            if (isOwner && ending instanceof Done measured) {
                metrics.measured(experiment, measured.result());
            }
        }
    }
}
