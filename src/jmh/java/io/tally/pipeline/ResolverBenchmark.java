package io.tally.pipeline;

import io.tally.counter.Bounds;
import io.tally.counter.Command;
import io.tally.counter.Counter;
import io.tally.counter.CounterId;
import io.tally.counter.Kind;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
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

/** Batches of increments that depend on what they find: decided one after the other, on counters with bounds. */
@State(Scope.Benchmark)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
public class ResolverBenchmark {

    /** What is decided. */
    @Param
    public Load load = Load.HOT_64;

    private List<Command> commands = List.of();
    private StoredState states = new StoredState(Map.of(), Set.of(), Map.of(), Instant.EPOCH);

    /** Makes the batch and what it finds. */
    @Setup
    public void prepare() {
        Map<CounterId, Counter> counters = new HashMap<>();
        for (CounterId id : load.counters()) {
            Bounds bounds = new Bounds(0L, Long.MAX_VALUE);
            counters.put(id, new Counter(id, Kind.PLAIN, 1, 1, 1, bounds, Instant.EPOCH, Instant.EPOCH));
        }
        commands = load.commands();
        states = new StoredState(counters, Set.of(), Map.of(), Instant.EPOCH);
    }

    /** All of the batch. */
    @Benchmark
    public Object resolve() {
        return Resolver.resolve(states, commands);
    }
}
