package io.tally.job;

import io.tally.pipeline.StoreFailure;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Mono;

/**
 * Executes jobs. Each step renews the lease. Another instance can take over a job when its lease expires, or at once
 * after its owner released it.
 */
final class JobWorker extends LeasedWork<Claim> {

    private static final Logger log = LoggerFactory.getLogger(JobWorker.class);

    private final JobStore store;
    private final Map<String, JobKind> kinds;
    private final JobMetrics metrics;

    JobWorker(JobStore store, List<JobKind> kinds, JobMetrics metrics) {
        this.store = store;
        this.kinds = kinds.stream().collect(Collectors.toUnmodifiableMap(JobKind::name, Function.identity()));
        this.metrics = metrics;
    }

    @Override
    protected Mono<Claim> claim() {
        return store.claim(kinds.keySet());
    }

    @Override
    protected Mono<Void> run(Claim claim) {
        return new Run(claim).run();
    }

    /** One claim on one job. */
    private final class Run {

        private final JobKind kind;
        private Claim claim;
        private boolean lost;
        private long stepNanos;

        Run(Claim claim) {
            this.claim = claim;
            this.kind = Objects.requireNonNull(kinds.get(claim.job().kind()));
        }

        Mono<Void> run() {
            log.info("Claimed job {} of kind {}; {} counters are done", id(), kind.name(), done());
            metrics.running(true);
            return counted()
                    .then(steps())
                    .onErrorResume(StoreFailure.class, this::broken)
                    .then(Mono.defer(this::released))
                    .doOnError(StoreFailure.class, this::logUnreleased)
                    .onErrorComplete(StoreFailure.class)
                    .then(kind.close())
                    .doFinally(signal -> metrics.running(false));
        }

        /**
         * Counts once, before the first step; a failure is ignored, since the total is only informative. Counting may
         * take longer than a lease.
         */
        private Mono<Void> counted() {
            return claim.isFresh() && claim.job().total() == null
                    ? renewing(LEASE.dividedBy(3), () -> store.renew(claim), count())
                            .doOnError(StoreFailure.class, this::logUncounted)
                            .onErrorComplete(StoreFailure.class)
                    : Mono.empty();
        }

        private Mono<Void> count() {
            return kind.count(claim.job().namespace())
                    .takeUntilOther(stopping())
                    .flatMap(total -> store.counted(claim, total));
        }

        private void logUncounted(StoreFailure failure) {
            log.warn("Counting for job {} failed, so its total is unknown: {}", id(), failure.getMessage());
        }

        /** Pauses after each step for the duration of the step, so that increments keep most of the capacity. */
        private Mono<Void> steps() {
            return Mono.defer(this::step)
                    .repeatWhen(steps -> steps.takeWhile(step -> isActive())
                            .delayUntil(step -> Mono.delay(Duration.ofNanos(stepNanos))))
                    .then();
        }

        private boolean isActive() {
            return !isStopped() && !lost && !claim.job().isFinished();
        }

        private Mono<Void> step() {
            long startNanos = System.nanoTime();
            return isActive()
                    ? kind.step(claim)
                            .doOnNext(this::moved)
                            .switchIfEmpty(Mono.fromRunnable(this::lost))
                            .doOnSuccess(next -> stepNanos = System.nanoTime() - startNanos)
                            .then()
                    : Mono.empty();
        }

        private void moved(Claim next) {
            claim = next;
            if (next.job().isFinished()) {
                finished(next.job().state());
            }
        }

        private void lost() {
            log.info("The lease of job {} is lost: another instance took it over, or an operator ended the job", id());
            lost = true;
        }

        private void finished(Job.State state) {
            log.info("Job {} is {}: {} counters", id(), state.label(), done());
            switch (state) {
                case DONE -> metrics.done();
                case FAILED -> metrics.failed();
                // Only a statement of an operator leads to this state.
                case RUNNING, CANCELLED -> {}
            }
        }

        /**
         * The job's row records whether the step was done. The next instance that claims the job continues from there:
         * this one at its next claim, unless another is first.
         */
        private Mono<Void> broken(StoreFailure failure) {
            return switch (failure.kind()) {
                case FATAL, BAD_OPERATION, UNSTORABLE -> failed(failure);
                case CONFLICT, FENCED, UNAVAILABLE, BUSY, UNKNOWN -> {
                    log.warn("A step of job {} failed and will be retried: {}", id(), failure.getMessage());
                    yield Mono.empty();
                }
            };
        }

        private Mono<Void> failed(StoreFailure failure) {
            log.error("Job {} failed: {}", id(), failure.getMessage());
            return store.fail(
                            claim,
                            "The database rejected a step of the job after " + done()
                                    + " counters. The log of the service contains the cause.")
                    .doOnSuccess(nothing -> finished(Job.State.FAILED));
        }

        private Mono<Void> released() {
            return lost || claim.job().isFinished() ? Mono.empty() : store.release(claim);
        }

        private void logUnreleased(StoreFailure failure) {
            log.warn(
                    "Releasing the lease of job {} failed; it blocks the job until it expires: {}",
                    id(),
                    failure.getMessage());
        }

        private UUID id() {
            return claim.job().id();
        }

        private long done() {
            return claim.job().done();
        }
    }
}
