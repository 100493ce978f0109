package io.tally.name;

import io.tally.counter.Outcome.ConstraintViolated;
import io.tally.counter.Outcome.Overloaded;
import io.tally.counter.Outcome.StoreUnavailable;
import io.tally.counter.Outcome.Unknown;
import io.tally.lane.BatchHandler;
import io.tally.lane.PendingRequest;
import io.tally.name.NameAnswer.Unnamed;
import io.tally.pipeline.PipelineProperties;
import io.tally.pipeline.StoreFailure;
import io.tally.pipeline.StoreFailure.Kind;
import java.time.Duration;
import java.util.List;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Mono;
import reactor.util.retry.Retry;

/**
 * Gets or makes the names that a lane's requests want, each once. Most exist: so it looks first, and makes only what is
 * missing.
 *
 * <p>What was rolled back or may not have been is tried again, since nothing is made twice: a retry either finds the
 * name that was made for the same caller, and knows it by its creator, or makes it now.
 */
final class NameMaker implements BatchHandler<Wanted, NameAnswer> {

    private static final Logger log = LoggerFactory.getLogger(NameMaker.class);

    private static final Duration BACKOFF_MIN = Duration.ofMillis(5);
    private static final Duration BACKOFF_MAX = Duration.ofMillis(500);
    private static final double JITTER = 0.5;

    private final NameStore store;
    private final PipelineProperties limits;
    private final LongSupplier nanoClock;
    private volatile boolean available = true;

    NameMaker(NameStore store, PipelineProperties limits, LongSupplier nanoClock) {
        this.store = store;
        this.limits = limits;
        this.nanoClock = nanoClock;
    }

    @Override
    public Mono<Void> handle(List<PendingRequest<Wanted, NameAnswer>> requests) {
        NameBatch batch = new NameBatch(requests);
        long since = nanoClock.getAsLong();
        return Mono.defer(() -> find(batch).then(Mono.defer(() -> makeMissing(batch))))
                .retryWhen(Retry.backoff(Long.MAX_VALUE, BACKOFF_MIN)
                        .maxBackoff(BACKOFF_MAX)
                        .jitter(JITTER)
                        .filter(failure -> mayBeTriedAgain(failure, nanoClock.getAsLong() - since, batch)))
                .doOnSuccess(nothing -> available = true)
                .onErrorResume(StoreFailure.class, failure -> giveUp(batch, failure));
    }

    private Mono<Void> find(NameBatch batch) {
        return store.find(batch.keys()).doOnNext(batch::take).then();
    }

    private Mono<Void> makeMissing(NameBatch batch) {
        return batch.isDone() ? Mono.empty() : make(batch, batch.wanted());
    }

    private Mono<Void> make(NameBatch batch, List<Wanted> wanted) {
        return store.make(wanted)
                .doOnNext(batch::take)
                .doOnError(failure -> isOf(Kind.UNKNOWN, failure), failure -> batch.doubt())
                .then()
                .onErrorResume(failure -> isOf(Kind.BAD_OPERATION, failure), failure -> makeApart(batch, wanted));
    }

    /** The database refuses one of them, by a rule that somebody added: half by half, until that one is alone. */
    private Mono<Void> makeApart(NameBatch batch, List<Wanted> wanted) {
        int half = wanted.size() / 2;
        if (half == 0) {
            batch.fail(wanted.getFirst().key(), new ConstraintViolated());
            return Mono.empty();
        }
        return make(batch, wanted.subList(0, half))
                .then(Mono.defer(() -> make(batch, wanted.subList(half, wanted.size()))));
    }

    private boolean mayBeTriedAgain(Throwable failure, long nanos, NameBatch batch) {
        Duration triedMax = batch.isInDoubt() ? limits.outcomeMax() : limits.waitMax();
        return failure instanceof StoreFailure known
                && switch (known.kind()) {
                    case CONFLICT, UNAVAILABLE, BUSY, UNKNOWN -> nanos < triedMax.toNanos();
                    case BAD_OPERATION, FENCED, FATAL -> false;
                };
    }

    private static boolean isOf(Kind kind, Throwable failure) {
        return failure instanceof StoreFailure known && known.kind() == kind;
    }

    private Mono<Void> giveUp(NameBatch batch, StoreFailure failure) {
        available = false;
        List<NameKey> keys = batch.keys();
        log.warn("{} names were not got: {}", keys.size(), failure.getMessage());
        if (batch.isInDoubt()) {
            keys.forEach(key -> batch.fail(key, new Unknown()));
        } else {
            batch.refuseAll(new StoreUnavailable());
        }
        return Mono.empty();
    }

    @Override
    public NameAnswer overloaded() {
        return new Unnamed(new Overloaded());
    }

    @Override
    public NameAnswer unavailable() {
        return new Unnamed(new StoreUnavailable());
    }

    @Override
    public NameAnswer abandoned() {
        return new Unnamed(new Unknown());
    }

    @Override
    public boolean isAvailable() {
        return available;
    }
}
