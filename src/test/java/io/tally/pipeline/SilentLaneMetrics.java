package io.tally.pipeline;

import io.tally.counter.Operation;
import io.tally.counter.Outcome.Verdict;

/** Metrics that measure nothing. */
final class SilentLaneMetrics implements LaneMetrics {

    @Override
    public void waited(int lane, long nanos) {}

    @Override
    public void written(int lane, Path path, int operations, int counters, long nanos) {}

    @Override
    public void acknowledged(int lane, long operations, double magnitude) {}

    @Override
    public void recordOutcome(Operation operation, Verdict verdict, long count) {}

    @Override
    public void retried(StoreFailure.Cause cause) {}

    @Override
    public void commitUnknown() {}

    @Override
    public void recovered(Recovery recovery) {}

    @Override
    public void pruned(long keys) {}
}
