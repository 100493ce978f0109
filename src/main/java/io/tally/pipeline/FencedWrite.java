package io.tally.pipeline;

import io.tally.counter.Command;
import io.tally.counter.Outcome;
import io.tally.lane.PendingRequest;
import io.tally.pipeline.CounterStore.Fence;
import io.tally.pipeline.CounterStore.Settlement.Committed;
import io.tally.pipeline.CounterStore.Writes;
import io.tally.pipeline.LaneMetrics.Path;
import java.util.List;
import reactor.core.publisher.Mono;

/**
 * One write of a batch: its requests, the statement or transaction that carries them out under one fence, and how the
 * result answers them. For one thread at a time.
 *
 * @param <R> what the store returns
 */
interface FencedWrite<R> {

    Path path();

    List<PendingRequest<Command, Outcome>> requests();

    /** The number of requests. */
    default int operations() {
        return requests().size();
    }

    /** The number of counters that the write touches. */
    int counters();

    /** Sends the write. May be called again, under the same fence or the next, if nothing was committed. */
    Mono<R> send(Writes store, Fence fence);

    /** The result, from the stored outcome of a commit that was in doubt. */
    R stored(Committed committed);

    /** The books of the result. */
    Written written(R result);

    /**
     * Answers the requests that the result decides, each with the value after exactly its own operation.
     *
     * @return the other requests, which the resolver has to decide
     */
    List<PendingRequest<Command, Outcome>> answer(R result);

    /**
     * The requests of a write after the database rejected one operation, in parts that the resolver decides separately.
     */
    default List<List<PendingRequest<Command, Outcome>>> isolate(StoreFailure refusal) {
        return List.of(requests());
    }

    /**
     * The books of a write: whether it used its fence, the number of operations, and the sum of their absolute deltas.
     */
    record Written(boolean fenceUsed, int operations, double magnitude) {}
}
