package io.tally.name;

import io.tally.counter.Outcome.Overloaded;
import io.tally.counter.Outcome.StoreUnavailable;
import io.tally.lane.CallerExecutor;
import io.tally.lane.Lane;
import io.tally.lane.LaneOwner;
import io.tally.lane.OrderedSubmission;
import io.tally.lane.OrderedSubmission.RetryPolicy;
import io.tally.name.NameResult.Failure;
import io.tally.pipeline.PipelineProperties;
import io.tally.pipeline.StoreFailure;
import io.tally.shard.PerShard;
import java.time.Duration;
import java.util.List;
import java.util.function.Function;
import java.util.function.LongSupplier;
import reactor.core.publisher.Mono;

/**
 * Names and their ids. Requests of a shard that arrive while a batch is in flight share the next statement. Safe for
 * use by many threads; never blocks.
 */
public final class Names extends LaneOwner {

    /** Longer than the retries and time-outs of {@link NameBatchHandler}. */
    private static final Duration FLIGHT_MAX = Duration.ofMinutes(5);

    private final PerShard<NameStore> stores;
    private final PipelineProperties limits;
    private final CallerExecutor callerExecutor;
    private final LongSupplier nanoClock;
    private final PerShard<Lane<NameRequest, NameResult>> lanes;

    Names(
            PerShard<NameStore> stores,
            PipelineProperties limits,
            CallerExecutor callerExecutor,
            LongSupplier nanoClock) {
        this.stores = stores;
        this.limits = limits;
        this.callerExecutor = callerExecutor;
        this.nanoClock = nanoClock;
        this.lanes = PerShard.of(
                stores.sharding(), index -> lane(stores.sharding().label("names", index), stores.at(index)));
    }

    private Lane<NameRequest, NameResult> lane(String name, NameStore store) {
        return new Lane<>(
                name,
                // A name costs about what a counter does.
                new Lane.Limits(limits.batchCountersMax(), limits.queueOperationsMax(), limits.waitMax(), FLIGHT_MAX),
                new NameBatchHandler(store, limits, nanoClock),
                callerExecutor,
                nanos -> {},
                nanoClock);
    }

    /**
     * Gets or creates names, and emits their results in the same order. Never fails: a failure is a result. Cancelling
     * drops the results; the lane still carries out the requests that it has taken.
     */
    public Mono<List<NameResult>> getOrCreate(List<NameRequest> requests) {
        return Mono.defer(() -> submission(RetryPolicy.never()).submit(requests));
    }

    /**
     * Gets or creates the names of a stream, block by block. Call it on the caller's thread, once for each stream, and
     * subscribe to the blocks one after the other. A block waits until the queue has room for each name, and for some
     * time while the database is unavailable.
     */
    public Function<List<NameRequest>, Mono<List<NameResult>>> stream() {
        return submission(this::isRetried)::submit;
    }

    private boolean isRetried(NameResult result, long nanos) {
        return result instanceof Failure failure
                && (failure.cause() instanceof Overloaded
                        || (failure.cause() instanceof StoreUnavailable
                                && nanos < limits.outcomeMax().toNanos()));
    }

    private OrderedSubmission<NameRequest, NameResult> submission(RetryPolicy<NameResult> retry) {
        return new OrderedSubmission<>(
                request -> lanes.of(request.key().namespace()), retry, callerExecutor.current(), nanoClock);
    }

    /**
     * A name that exists; empty if it does not, also because the database cannot hold it. Fails with
     * {@link StoreFailure} only.
     */
    public Mono<StoredName> find(NameKey key) {
        return stores.of(key.namespace())
                .find(List.of(key))
                .mapNotNull(found -> found.get(key))
                .onErrorComplete(StoreFailure::isUnstorable);
    }

    /** The name with that id in a namespace; empty if there is none. Fails as {@link #find(NameKey)} does. */
    public Mono<StoredName> find(String namespace, long id) {
        return stores.of(namespace).find(namespace, id);
    }

    @Override
    public List<Lane<?, ?>> lanes() {
        return List.copyOf(lanes.all());
    }

    @Override
    protected Duration drainMax() {
        return limits.drainMax();
    }
}
