package io.tally.lab;

import io.tally.counter.Command;
import io.tally.counter.CounterId;
import io.tally.counter.Operation.Increment;
import io.tally.counter.Outcome;
import io.tally.counter.Precondition;
import io.tally.lab.LabDatabase.Counted;
import io.tally.lab.LabDatabase.Worker;
import io.tally.lane.CallerExecutor;
import io.tally.pipeline.CounterPipeline;
import io.tally.pipeline.LaneMetrics;
import io.tally.pipeline.PipelineProperties;
import io.tally.pipeline.StoreFailure;
import io.tally.pipeline.StoreFailure.Cause;
import io.tally.pipeline.StoreFailure.Kind;
import io.tally.postgres.DatabaseProperties;
import io.tally.postgres.Pool;
import io.tally.postgres.PostgresCounterStore;
import io.tally.postgres.SessionConnections;
import io.tally.shard.PerShard;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.function.IntFunction;
import reactor.core.publisher.Mono;

/**
 * The service's own pipeline with the same statements and number of lanes, on tables of the lab. So a run does not
 * affect the counters, the books and the meters of the service. Any number of workers can share it.
 */
final class PostgresLabLanes implements Worker {

    private static final String NAMESPACE = "lab";

    private final CounterPipeline pipeline;
    private final Pool reads;
    private final IntFunction<String> names;
    private final AtomicInteger retries = new AtomicInteger();

    /** @param factory for sessions with the lab's tables */
    PostgresLabLanes(
            SessionConnections factory,
            DatabaseProperties properties,
            PipelineProperties limits,
            IntFunction<String> names) {
        this.reads = new Pool(factory, properties, 1);
        this.pipeline = new CounterPipeline(
                PerShard.single(new PostgresCounterStore(factory, reads, properties, NAMESPACE)),
                limits,
                new LaneMetrics() {
                    @Override
                    public void retried(Cause cause) {
                        retries.incrementAndGet();
                    }
                },
                CallerExecutor.ANY,
                System::nanoTime);
        this.names = names;
    }

    @Override
    public Mono<Counted> count(int counter, BooleanSupplier mayRetry) {
        CounterId id = new CounterId(NAMESPACE, names.apply(counter));
        return pipeline.apply(Command.of(new Increment(id, 1, Precondition.NONE)))
                .flatMap(this::counted);
    }

    /** Retries of a batch are reported with the next outcome. */
    private Mono<Counted> counted(Outcome outcome) {
        return switch (outcome.category()) {
            case APPLIED -> Mono.just(new Counted(true, retries.getAndSet(0)));
            case REPLAYED, REJECTED, REFUSED -> Mono.just(new Counted(false, retries.getAndSet(0)));
            case FAILED -> Mono.error(new StoreFailure(Kind.UNKNOWN, Cause.CONNECTION, "the lane gave up"));
        };
    }

    /** Ends the lanes and their connections. */
    Mono<Void> close() {
        return Mono.<Void>create(sink -> pipeline.stop(sink::success)).then(reads.close());
    }
}
