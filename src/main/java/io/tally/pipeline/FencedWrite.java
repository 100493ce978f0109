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

    /** How many requests there are. */
    default int operations() {
        return requests().size();
    }

    /** How many counters the write touches. */
    int counters();

    /** Sends the write. May be sent again, under the same fence or the next, where nothing was committed. */
    Mono<R> send(Writes store, Fence fence);

    /** The result, from what was stored with a commit whose answer was lost. */
    R stored(Committed committed);

    /** What the result says was written. */
    Written written(R result);

    /**
     * Answers the requests that the result decides, each with the value after exactly its own operation.
     *
     * @return the other requests, which the resolver has to decide
     */
    List<PendingRequest<Command, Outcome>> answer(R result);

    /**
     * The requests of a write of which the database refused one operation, in parts that the resolver decides each on
     * its own.
     */
    default List<List<PendingRequest<Command, Outcome>>> isolate(StoreFailure refusal) {
        return List.of(requests());
    }

    /** What a write stored: whether it used its fence, how many operations, and the sum of their sizes. */
    record Written(boolean fenceUsed, int operations, double magnitude) {}
}
