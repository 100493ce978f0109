package io.tally.job;

import io.tally.pipeline.StoreFailure;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.event.ContextClosedEvent;
import org.springframework.context.event.EventListener;
import org.springframework.scheduling.annotation.Scheduled;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/**
 * Works on jobs, one at a time on each instance. A job is some instance's for the time of a lease, which each step
 * prolongs: one whose instance has died is taken on by another when the lease runs out, one whose instance stops in
 * order at once.
 */
final class JobWorker {

    private static final Logger log = LoggerFactory.getLogger(JobWorker.class);

    private static final int INTERVAL_MILLIS = 500;

    private final JobStore store;
    private final Map<String, JobKind> kinds;
    private final JobMetrics metrics;
    private final Sinks.Empty<Void> stopping = Sinks.empty();
    private volatile boolean stopped;

    JobWorker(JobStore store, List<JobKind> kinds, JobMetrics metrics) {
        this.store = store;
        this.kinds = kinds.stream().collect(Collectors.toUnmodifiableMap(JobKind::name, Function.identity()));
        this.metrics = metrics;
    }

    /** Takes on a job, where one waits, and works on it until it is finished, or another's, or this instance stops. */
    @Scheduled(fixedDelay = INTERVAL_MILLIS)
    Mono<Void> work() {
        return Mono.defer(this::claimed).flatMap(claim -> new Run(claim).run());
    }

    /** One that cannot be had now can be had later; the lanes say in the log where the database is away. */
    private Mono<Claim> claimed() {
        return stopped
                ? Mono.empty()
                : store.claim(kinds.keySet())
                        .doOnError(StoreFailure.class, failure -> log.debug("No job was taken on", failure))
                        .onErrorComplete(StoreFailure.class);
    }

    /** Ends the work after the step that is under way. The scheduler waits for that before it stops. */
    @EventListener(ContextClosedEvent.class)
    void stop() {
        stopped = true;
        stopping.tryEmitEmpty();
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
            log.info(
                    "Job {} of kind {} goes on after {} counters",
                    id(),
                    kind.name(),
                    claim.job().done());
            metrics.running(true);
            return counted()
                    .then(steps())
                    .onErrorResume(StoreFailure.class, this::broken)
                    .then(Mono.defer(this::released))
                    .onErrorResume(StoreFailure.class, this::notReleased)
                    .then(kind.close())
                    .doFinally(signal -> metrics.running(false));
        }

        /** Tried once, before the first step: progress is worth less than the work. */
        private Mono<Void> counted() {
            return claim.isFresh() && claim.job().total() == null
                    ? total().flatMap(total -> store.counted(claim, total))
                            .onErrorResume(StoreFailure.class, this::uncounted)
                    : Mono.empty();
        }

        private Mono<Long> total() {
            return Mono.firstWithSignal(
                    kind.count(claim.job().namespace()),
                    renewals(),
                    stopping.asMono().then(Mono.empty()));
        }

        /** Counting may take longer than a lease. */
        private Mono<Long> renewals() {
            return Flux.interval(JobStore.LEASE.dividedBy(3))
                    .onBackpressureDrop()
                    .concatMap(tick -> store.renew(claim).onErrorComplete(StoreFailure.class), 0)
                    .then(Mono.never());
        }

        private Mono<Void> uncounted(StoreFailure failure) {
            log.warn("It could not be counted how much job {} has to do: {}", id(), failure.getMessage());
            return Mono.empty();
        }

        /** Pauses for as long as each step took, so that increments keep most of the machine. */
        private Mono<Void> steps() {
            return Mono.defer(this::step)
                    .repeatWhen(steps -> steps.takeWhile(step -> goesOn())
                            .delayUntil(step -> Mono.delay(Duration.ofNanos(stepNanos))))
                    .then();
        }

        private boolean goesOn() {
            return !stopped && !lost && !claim.job().isFinished();
        }

        private Mono<Void> step() {
            long startNanos = System.nanoTime();
            return goesOn()
                    ? kind.step(claim)
                            .singleOptional()
                            .doOnNext(next -> stepped(next, System.nanoTime() - startNanos))
                            .then()
                    : Mono.empty();
        }

        private void stepped(Optional<Claim> next, long nanos) {
            stepNanos = nanos;
            next.ifPresentOrElse(this::moved, this::lost);
        }

        private void moved(Claim next) {
            claim = next;
            if (next.job().isFinished()) {
                finished(next.job().state());
            }
        }

        private void lost() {
            log.info("Job {} is another's, or was called off", id());
            lost = true;
        }

        private void finished(Job.State state) {
            log.info(
                    "Job {} is {}: {} counters",
                    id(),
                    state.label(),
                    claim.job().done());
            switch (state) {
                case DONE -> metrics.done();
                case FAILED -> metrics.failed();
                // An operator's statement ends a job so; no instance does.
                case RUNNING, CANCELLED -> {}
            }
        }

        /**
         * The job's row records whether the step was done. The next instance that claims the job continues from there:
         * this one after its next look, unless another is first.
         */
        private Mono<Void> broken(StoreFailure failure) {
            return switch (failure.kind()) {
                case FATAL, BAD_OPERATION -> failed(failure);
                case CONFLICT, FENCED, UNAVAILABLE, BUSY, UNKNOWN -> {
                    log.warn("A step of job {} is to be tried again: {}", id(), failure.getMessage());
                    yield Mono.empty();
                }
            };
        }

        private Mono<Void> failed(StoreFailure failure) {
            log.error("Job {} failed: {}", id(), failure.getMessage());
            return store.fail(
                            claim,
                            "The database refused a step of the work after "
                                    + claim.job().done() + " counters. The log of the service says why.")
                    .doOnSuccess(nothing -> finished(Job.State.FAILED));
        }

        private Mono<Void> released() {
            return lost || claim.job().isFinished() ? Mono.empty() : store.release(claim);
        }

        private Mono<Void> notReleased(StoreFailure failure) {
            log.warn("Job {} waits for the end of its lease: {}", id(), failure.getMessage());
            return Mono.empty();
        }

        private UUID id() {
            return claim.job().id();
        }
    }
}
