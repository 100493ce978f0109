package io.tally.name;

import io.tally.counter.Outcome.ConstraintViolated;
import io.tally.counter.Outcome.Overloaded;
import io.tally.counter.Outcome.StoreUnavailable;
import io.tally.counter.Outcome.Unknown;
import io.tally.lane.BatchHandler;
import io.tally.lane.PendingRequest;
import io.tally.name.NameResult.Failure;
import io.tally.pipeline.Bisection;
import io.tally.pipeline.PipelineProperties;
import io.tally.pipeline.StoreFailure;
import io.tally.pipeline.StoreFailure.Kind;
import io.tally.pipeline.StoreRetry;
import java.time.Duration;
import java.util.List;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Mono;

/**
 * Gets or creates the names of a batch. Most names exist: so it reads first, and creates only the missing ones.
 *
 * <p>A transaction that was rolled back, or whose outcome is unknown, is retried. That creates no name twice: a retry
 * either finds the name and recognizes the same request by its creator, or creates the name now.
 */
final class NameBatchHandler implements BatchHandler<NameRequest, NameResult> {

    private static final Logger log = LoggerFactory.getLogger(NameBatchHandler.class);

    private final NameStore store;
    private final PipelineProperties limits;
    private final LongSupplier nanoClock;
    private volatile boolean available = true;

    NameBatchHandler(NameStore store, PipelineProperties limits, LongSupplier nanoClock) {
        this.store = store;
        this.limits = limits;
        this.nanoClock = nanoClock;
    }

    @Override
    public Mono<Void> handle(List<PendingRequest<NameRequest, NameResult>> requests) {
        NameBatch batch = new NameBatch(requests);
        long since = nanoClock.getAsLong();
        return Mono.defer(() -> find(batch).then(Mono.defer(() -> createMissing(batch))))
                .retryWhen(StoreRetry.write(failure -> isRetryable(failure, nanoClock.getAsLong() - since, batch)))
                .doOnSuccess(nothing -> available = true)
                .onErrorResume(StoreFailure.class, failure -> giveUp(batch, failure));
    }

    private Mono<Void> find(NameBatch batch) {
        return new Bisection<NameKey>(
                        keys -> store.find(keys).doOnNext(batch::complete).then(),
                        StoreFailure::isRefusal,
                        (key, refusal) -> batch.fail(key, new ConstraintViolated()))
                .of(batch.keys());
    }

    /** Creates names; repeats if a spelling was refused and a request has another spelling of the same name. */
    private Mono<Void> createMissing(NameBatch batch) {
        Bisection<NameRequest> creation = new Bisection<>(
                requests -> create(batch, requests),
                StoreFailure::isRefusal,
                (request, refusal) -> batch.fail(request, new ConstraintViolated()));
        return batch.isDone()
                ? Mono.empty()
                : Mono.defer(() -> creation.of(batch.requests()))
                        .repeat(batch::hasOtherSpellings)
                        .then();
    }

    private Mono<Void> create(NameBatch batch, List<NameRequest> requests) {
        return store.create(requests)
                .doOnNext(batch::complete)
                .doOnError(NameBatchHandler::isUnknown, failure -> batch.doubt())
                .then();
    }

    private boolean isRetryable(StoreFailure failure, long nanos, NameBatch batch) {
        Duration retryMax = batch.isInDoubt() ? limits.outcomeMax() : limits.waitMax();
        return switch (failure.kind()) {
            case CONFLICT, UNAVAILABLE, BUSY, UNKNOWN -> nanos < retryMax.toNanos();
            case BAD_OPERATION, UNSTORABLE, FENCED, FATAL -> false;
        };
    }

    private static boolean isUnknown(Throwable failure) {
        return failure instanceof StoreFailure known && known.kind() == Kind.UNKNOWN;
    }

    private Mono<Void> giveUp(NameBatch batch, StoreFailure failure) {
        available = false;
        List<NameKey> keys = batch.keys();
        log.warn("Requests for {} names failed: {}", keys.size(), failure.getMessage());
        if (batch.isInDoubt()) {
            keys.forEach(key -> batch.fail(key, new Unknown()));
        } else {
            batch.refuseAll(new StoreUnavailable());
        }
        return Mono.empty();
    }

    @Override
    public Refusals<NameResult> refusals() {
        return new Refusals<>(
                new Failure(new Overloaded()), new Failure(new StoreUnavailable()), new Failure(new Unknown()));
    }

    @Override
    public boolean isAvailable() {
        return available;
    }
}
