package io.tally.access;

import io.tally.access.KeyPolls.PollResult;
import io.tally.lane.BatchHandler;
import io.tally.lane.CallerExecutor;
import io.tally.lane.Lane;
import io.tally.lane.LaneOwner;
import io.tally.lane.PendingRequest;
import io.tally.pipeline.PipelineProperties;
import io.tally.pipeline.StoreFailure;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;
import org.springframework.scheduling.annotation.Scheduled;
import reactor.core.publisher.Mono;

/**
 * Polls the access keys: every two seconds, so that a revoked key is refused everywhere within five, and at once for a
 * request with a key that is not known. Requests that arrive during a poll share the next one, so a flood of made-up
 * keys costs the database one statement at a time.
 */
final class KeyPolls extends LaneOwner {

    private static final int INTERVAL_MILLIS = 2_000;

    private static final int USES_INTERVAL_MILLIS = 60_000;

    /** Each waiting request uses about a kilobyte. */
    private static final int QUEUE_MAX = 10_000;

    /** Longer than the time-outs of two statements. */
    private static final Duration FLIGHT_MAX = Duration.ofMinutes(5);

    enum PollResult {
        /** The keys are no older than the request. */
        DONE,
        /** The database did not answer. */
        UNAVAILABLE,
        /** Too many requests wait. */
        OVERLOADED
    }

    private final AccessKeyStore store;
    private final KnownKeys known;
    private final Duration drainMax;
    private final Lane<String, PollResult> lane;
    private volatile long usesWrittenMillis;

    KeyPolls(
            AccessKeyStore store,
            KnownKeys known,
            PipelineProperties limits,
            CallerExecutor callerExecutor,
            LongSupplier nanoClock) {
        this.store = store;
        this.known = known;
        this.drainMax = limits.drainMax();
        this.lane = new Lane<>(
                "keys",
                new Lane.Limits(QUEUE_MAX, QUEUE_MAX, limits.waitMax(), FLIGHT_MAX),
                new Handler(known),
                callerExecutor,
                nanos -> {},
                nanoClock);
    }

    /** Polls the keys, with a poll that begins now or later. Never fails. */
    Mono<PollResult> poll() {
        return lane.submit("poll");
    }

    /** Keeps the keys up to date. */
    @Scheduled(fixedDelay = INTERVAL_MILLIS)
    Mono<Void> refresh() {
        return poll().then();
    }

    /** Stores the last uses of keys: best effort, since a lost one is written after the next use. */
    @Scheduled(fixedDelay = USES_INTERVAL_MILLIS)
    Mono<Void> writeUses() {
        return Mono.defer(() -> {
            long now = System.currentTimeMillis();
            Map<String, Instant> uses = known.usedSince(usesWrittenMillis);
            return uses.isEmpty()
                    ? Mono.empty()
                    : store.used(uses)
                            .doOnSuccess(nothing -> usesWrittenMillis = now)
                            .onErrorResume(StoreFailure.class, KeyPolls::later);
        });
    }

    private static Mono<Void> later(StoreFailure failure) {
        AccessRefusals.LOG.debug("The last uses of keys were not stored: {}", failure.getMessage());
        return Mono.empty();
    }

    @Override
    public List<Lane<?, ?>> lanes() {
        return List.of(lane);
    }

    @Override
    protected Duration drainMax() {
        return drainMax;
    }

    /** Answers a batch with one poll. */
    private static final class Handler implements BatchHandler<String, PollResult> {

        private final KnownKeys known;
        private volatile boolean available = true;

        Handler(KnownKeys known) {
            this.known = known;
        }

        @Override
        public Mono<Void> handle(List<PendingRequest<String, PollResult>> batch) {
            return known.poll()
                    .then(Mono.fromSupplier(this::succeeded))
                    .onErrorResume(StoreFailure.class, this::failed)
                    .doOnNext(result -> batch.forEach(pending -> pending.answer(result)))
                    .then();
        }

        private PollResult succeeded() {
            if (!available) {
                available = true;
                AccessRefusals.LOG.info("Access keys can be read again");
            }
            return PollResult.DONE;
        }

        private Mono<PollResult> failed(StoreFailure failure) {
            if (available) {
                available = false;
                AccessRefusals.LOG.warn(
                        "Access keys cannot be read. Known keys stay valid for {} s after the last read: {}",
                        known.trustedMax().toSeconds(),
                        failure.getMessage());
            }
            return Mono.just(PollResult.UNAVAILABLE);
        }

        @Override
        public Refusals<PollResult> refusals() {
            return new Refusals<>(PollResult.OVERLOADED, PollResult.UNAVAILABLE, PollResult.UNAVAILABLE);
        }

        @Override
        public boolean isAvailable() {
            return available;
        }
    }
}
