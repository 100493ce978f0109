package io.tally.pipeline;

import io.tally.counter.Command;
import io.tally.counter.Outcome;
import io.tally.lane.PendingRequest;
import io.tally.pipeline.CounterStore.Added;
import io.tally.pipeline.CounterStore.VersionedValue;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.infra.Blackhole;

/** Batches of increments, from those who wait to what is sent, and back. */
@State(Scope.Benchmark)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
public class CoalescerBenchmark {

    /** What is coalesced. */
    @Param
    public Load load = Load.HOT_64;

    private List<Command> commands = List.of();
    private List<PendingRequest<Command, Outcome>> requests = List.of();

    /** Makes the batch. */
    @Setup
    public void prepare() {
        commands = load.commands();
        requests = Load.requests(commands, outcome -> {});
    }

    /** One group a counter. */
    @Benchmark
    public Object coalesce() {
        return Coalescer.coalesce(requests, counter -> false, counter -> false);
    }

    /**
     * All that a lane does to a batch but for the statement: requests made, groups, sums, and each one's own answer.
     */
    @Benchmark
    public void coalesceSumAndAnswer(Blackhole answers) {
        Coalescer.Batch batch =
                Coalescer.coalesce(Load.requests(commands, answers::consume), counter -> false, counter -> false);
        IncrementWrite write = new IncrementWrite(batch.increments(), new RecentSet<>(1));
        List<VersionedValue> values = Collections.nCopies(write.counters(), new VersionedValue(1_000_000, 1_000_000));
        answers.consume(write.answer(new Added(values, List.of())));
    }
}
