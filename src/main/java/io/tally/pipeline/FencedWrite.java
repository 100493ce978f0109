package io.tally.pipeline;

import io.tally.pipeline.CounterStore.Fence;
import io.tally.pipeline.CounterStore.Settlement.Committed;
import io.tally.pipeline.LaneMetrics.Path;
import reactor.core.publisher.Mono;

/** A write that is sent under one fence, and how its result reads. */
interface FencedWrite<T> {

    Path path();

    int operations();

    int counters();

    Mono<T> send(Fence fence);

    /** The result, from what was stored with a commit whose answer was lost. */
    T stored(Committed committed);

    Written written(T result);

    /** What a result says was written. */
    record Written(boolean fenceUsed, int operations, double magnitude) {}
}
