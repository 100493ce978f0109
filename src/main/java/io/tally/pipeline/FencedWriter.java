package io.tally.pipeline;

import io.tally.pipeline.CounterStore.Fence;
import io.tally.pipeline.CounterStore.Settlement;
import io.tally.pipeline.CounterStore.Settlement.Committed;
import io.tally.pipeline.CounterStore.Settlement.NotCommitted;
import io.tally.pipeline.CounterStore.Settlement.WriterGone;
import io.tally.pipeline.CounterStore.Writes;
import io.tally.pipeline.LaneMetrics.Path;
import io.tally.pipeline.LaneMetrics.Recovery;
import io.tally.pipeline.StoreFailure.Cause;
import io.tally.pipeline.StoreFailure.Kind;
import java.time.Duration;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Mono;
import reactor.util.retry.RetryBackoffSpec;

/**
 * Writes each {@link FencedWrite} exactly once, even if the connection fails. Used by one lane, for one write at a
 * time: the lane's ordering makes the state of one write visible to the next.
 */
final class FencedWriter {
    /*
     * Exactly once
     *
     * A lane is a writer: a row in the database with the sequence of the last batch it committed. A batch carries the
     * next sequence, and its statement does nothing unless the row has the sequence before it. So a batch can commit
     * once, and the row shows whether it did.
     *
     *   sent, answered            the response is final; answer the callers
     *   sent, rolled back         nothing was applied; the same sequence is sent again
     *   sent, connection lost     resolve the outcome. If the row has the sequence, it also has the callers' results.
     *                             Otherwise move the row past the sequence: the lost batch can never commit, and
     *                             the operations are sent again as a new batch.
     *   outcome not resolved      the callers get an unknown outcome; the lane registers a new writer
     *
     * Retries belong here, above the statement and below the callers: a retry by a caller would enter the operation a
     * second time.
     */

    private static final Logger log = LoggerFactory.getLogger(FencedWriter.class);

    private final int lane;
    private final Writes store;
    private final Duration outcomeMax;
    private final Ledger ledger;
    private final LaneMetrics metrics;
    private final LongSupplier nanoClock;

    private @Nullable Long writer;
    private long sequence;
    private volatile @Nullable String unavailableReason;

    /** @param outcomeMax the time-out for resolving a write in doubt */
    FencedWriter(
            int lane, Writes store, Duration outcomeMax, Ledger ledger, LaneMetrics metrics, LongSupplier nanoClock) {
        this.lane = lane;
        this.store = store;
        this.outcomeMax = outcomeMax;
        this.ledger = ledger;
        this.metrics = metrics;
        this.nanoClock = nanoClock;
    }

    /** The reason why this writer cannot write; {@code null} if it can. Any thread. */
    @Nullable
    String unavailableReason() {
        return unavailableReason;
    }

    /**
     * Probes a silent connection: an operator sees that the database is unavailable before a caller does. May be
     * subscribed to
     * while a write is under way.
     */
    Mono<Void> probe() {
        return store.probe().onErrorResume(StoreFailure.class, failure -> {
            unavailable(failure);
            return Mono.empty();
        });
    }

    private void unavailable(StoreFailure failure) {
        if (unavailableReason == null) {
            log.warn(
                    "Lane {} cannot write; operations that wait longer than wait-max get 503 store-unavailable: {}",
                    lane,
                    failure.getMessage());
        }
        unavailableReason = failure.getMessage();
    }

    private void available() {
        if (unavailableReason != null) {
            unavailableReason = null;
            log.info("Lane {} can write again", lane);
        }
    }

    /** Retires the writer and closes the connection. */
    Mono<Void> close() {
        return Mono.defer(this::retired).then(Mono.defer(store::close));
    }

    private Mono<Void> retired() {
        Long retiring = writer;
        if (retiring == null) {
            return Mono.empty();
        }
        // Closes the ledger first: an audit that finds no row must not find acknowledged operations of this writer.
        ledger.close(retiring);
        return store.retire(retiring).onErrorResume(StoreFailure.class, failure -> {
            log.warn("Retiring writer {} failed; an audit does it after 7 days: {}", retiring, failure.getMessage());
            return Mono.empty();
        });
    }

    /**
     * Sends a write so that it is committed exactly once. Fails with {@link StoreFailure}: the write may have been
     * committed if the kind is {@code UNKNOWN}, and was not committed otherwise.
     *
     * <p>Cancelling leaves the outcome unknown, and the next write has a new writer.
     *
     * @param deadline the time from which the write is no longer sent, by the lane's clock
     */
    <T> Mono<T> written(FencedWrite<T> write, long deadline) {
        return Mono.defer(() -> isPast(deadline) ? Mono.error(FencedWriter::late) : nextFence())
                .flatMap(fence -> sent(write, fence))
                .retryWhen(backoff(StoreFailure::mayBeSentAgain, deadline))
                .doOnCancel(this::abandon);
    }

    private void abandon() {
        log.error("Writer {} of lane {} abandoned a batch that did not end; registering a new writer", writer, lane);
        unavailableReason = "a batch did not end";
        writer = null;
    }

    private boolean isPast(long deadline) {
        return nanoClock.getAsLong() - deadline >= 0;
    }

    private static StoreFailure late() {
        return new StoreFailure(Kind.UNAVAILABLE, Cause.CONNECTION, "earlier writes of the batch took too long");
    }

    private Mono<Fence> nextFence() {
        Mono<Long> current = writer == null ? registered() : Mono.just(writer);
        return current.map(id -> new Fence(id, sequence + 1));
    }

    private Mono<Long> registered() {
        return store.register()
                .onErrorMap(StoreFailure.class, FencedWriter::nothingSent)
                .doOnNext(this::become)
                .doOnError(StoreFailure.class, this::failed);
    }

    /** A registration or a read without a response has applied nothing, so no operation is in doubt. */
    static StoreFailure nothingSent(StoreFailure failure) {
        return failure.kind() == Kind.UNKNOWN
                ? new StoreFailure(Kind.UNAVAILABLE, failure.reason(), String.valueOf(failure.getMessage()), failure)
                : failure;
    }

    private void become(long registered) {
        writer = registered;
        sequence = 0;
        ledger.open(registered);
    }

    private <T> Mono<T> sent(FencedWrite<T> write, Fence fence) {
        long start = nanoClock.getAsLong();
        return write.send(store, fence)
                .onErrorResume(
                        StoreFailure.class,
                        failure ->
                                failure.kind() == Kind.UNKNOWN ? settled(write, fence, failure) : Mono.error(failure))
                .doOnNext(result -> committed(write, fence, result, nanoClock.getAsLong() - start))
                .doOnError(StoreFailure.class, this::failed);
    }

    private <T> void committed(FencedWrite<T> write, Fence fence, T result, long nanos) {
        if (write.path() != Path.READ) {
            available();
        }
        FencedWrite.Written written = write.written(result);
        if (written.fenceUsed()) {
            sequence = fence.sequence();
        }
        ledger.acknowledge(fence.writer(), written.operations());
        metrics.acknowledged(lane, written.operations(), written.magnitude());
        metrics.written(lane, write.path(), write.operations(), write.counters(), nanos);
    }

    private void failed(StoreFailure failure) {
        switch (failure.kind()) {
            case FENCED -> {
                log.warn("Writer {} of lane {} was fenced; registering a new writer", writer, lane);
                writer = null;
            }
            case UNAVAILABLE, UNKNOWN, FATAL -> unavailable(failure);
            case CONFLICT, BAD_OPERATION, UNSTORABLE, BUSY -> {}
        }
    }

    private <T> Mono<T> settled(FencedWrite<T> write, Fence fence, StoreFailure lost) {
        log.warn(
                "Lane {} lost the response to batch {}; resolving its outcome: {}",
                lane,
                fence.sequence(),
                lost.getMessage());
        metrics.commitUnknown();
        unavailableReason = lost.getMessage();
        long deadline = nanoClock.getAsLong() + outcomeMax.toNanos();
        return Mono.defer(() -> store.settle(fence))
                .retryWhen(backoff(failure -> failure.kind() != Kind.FATAL, deadline))
                .onErrorMap(StoreFailure.class, this::givenUp)
                .flatMap(settlement -> settled(write, fence, settlement));
    }

    private <T> Mono<T> settled(FencedWrite<T> write, Fence fence, Settlement settlement) {
        return switch (settlement) {
            case Committed committed -> {
                metrics.recovered(Recovery.FOUND_COMMITTED);
                yield Mono.just(write.stored(committed));
            }
            case NotCommitted not -> {
                metrics.recovered(Recovery.SENT_AGAIN);
                sequence = fence.sequence();
                yield Mono.error(new StoreFailure(Kind.CONFLICT, Cause.CONNECTION, "the lost batch was not committed"));
            }
            case WriterGone gone ->
                Mono.error(givenUp(new StoreFailure(Kind.UNKNOWN, Cause.CONNECTION, "the writer's row is gone")));
        };
    }

    private StoreFailure givenUp(StoreFailure failure) {
        metrics.recovered(Recovery.GIVEN_UP);
        writer = null;
        return new StoreFailure(
                Kind.UNKNOWN, Cause.CONNECTION, "the outcome could not be resolved: " + failure.getMessage(), failure);
    }

    private RetryBackoffSpec backoff(Predicate<StoreFailure> worthwhile, long deadline) {
        return StoreRetry.write(failure -> worthwhile.test(failure) && !isPast(deadline))
                .doBeforeRetry(signal -> metrics.retried(((StoreFailure) signal.failure()).reason()));
    }
}
