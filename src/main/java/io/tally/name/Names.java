package io.tally.name;

import io.tally.counter.Outcome.Overloaded;
import io.tally.counter.Outcome.StoreUnavailable;
import io.tally.lane.CallerExecutor;
import io.tally.lane.Lane;
import io.tally.lane.LaneOwner;
import io.tally.lane.OrderedSubmission;
import io.tally.lane.OrderedSubmission.RetryPolicy;
import io.tally.name.NameAnswer.Unnamed;
import io.tally.pipeline.PipelineProperties;
import java.time.Duration;
import java.util.List;
import java.util.function.Function;
import java.util.function.LongSupplier;
import reactor.core.publisher.Mono;

/**
 * Names and their ids. Requests that come while others are carried out share the next statement. Safe for use by many
 * threads; never blocks.
 */
public final class Names extends LaneOwner {

    /** Longer than the tries and the time-outs of {@link NameMaker}. */
    private static final Duration FLIGHT_MAX = Duration.ofMinutes(5);

    private final NameStore store;
    private final PipelineProperties limits;
    private final CallerExecutor threads;
    private final LongSupplier nanoClock;
    private final Lane<Wanted, NameAnswer> lane;

    Names(NameStore store, PipelineProperties limits, CallerExecutor threads, LongSupplier nanoClock) {
        this.store = store;
        this.limits = limits;
        this.threads = threads;
        this.nanoClock = nanoClock;
        this.lane = new Lane<>(
                "names",
                // A name costs about what a counter does.
                new Lane.Limits(limits.batchCountersMax(), limits.queueOperationsMax(), limits.waitMax(), FLIGHT_MAX),
                new NameMaker(store, limits, nanoClock),
                threads,
                nanos -> {},
                nanoClock);
    }

    /**
     * Gets or makes names in their order, and gives the answers together. Never fails: what went wrong is an answer,
     * too. Cancelling gives up the answers, never a name that the lane has taken.
     */
    public Mono<List<NameAnswer>> getOrMake(List<Wanted> wanted) {
        return Mono.defer(() -> submission(RetryPolicy.never()).submit(wanted));
    }

    /**
     * Gets or makes the names of a stream, which come in blocks, in their order. To be called on the thread of the
     * caller, once for each stream; blocks are to be subscribed to one after the other. A block does not complete
     * before there was room for each name, and waits some time for a database that is away.
     */
    public Function<List<Wanted>, Mono<List<NameAnswer>>> stream() {
        return submission(this::isRetried)::submit;
    }

    private boolean isRetried(NameAnswer answer, long nanos) {
        return answer instanceof Unnamed unnamed
                && (unnamed.why() instanceof Overloaded
                        || (unnamed.why() instanceof StoreUnavailable
                                && nanos < limits.outcomeMax().toNanos()));
    }

    private OrderedSubmission<Wanted, NameAnswer> submission(RetryPolicy<NameAnswer> retry) {
        return new OrderedSubmission<>(any -> lane, retry, threads.current(), nanoClock);
    }

    /** A name that exists; empty where it does not. Fails with {@link io.tally.pipeline.StoreFailure} only. */
    public Mono<Known> find(NameKey key) {
        return store.find(List.of(key)).mapNotNull(known -> known.get(key));
    }

    /** The name with that id in a namespace; empty where there is none. Fails as {@link #find(NameKey)} does. */
    public Mono<Known> find(String namespace, long id) {
        return store.find(namespace, id);
    }

    @Override
    protected Lane<?, ?> lane() {
        return lane;
    }

    @Override
    protected Duration drainMax() {
        return limits.drainMax();
    }
}
