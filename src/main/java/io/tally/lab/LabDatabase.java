package io.tally.lab;

import java.util.List;
import java.util.UUID;
import java.util.function.BooleanSupplier;
import reactor.core.publisher.Mono;

/** The database as the lab uses it: a schema for a run, and workers with connections of their own. */
public interface LabDatabase {

    /** The tables and workers of a run. {@link Bench#workers} creates them. */
    Bench bench(UUID run, Experiment experiment);

    /**
     * Removes what is left of a run whose instance died. Fails with {@link LabObstacle} where an operator has to remove
     * it, else with {@link io.tally.pipeline.StoreFailure}.
     */
    Mono<Void> clear(UUID run);

    /** See {@link LabDatabase#bench}. Each {@code Mono} is subscribed to once. */
    interface Bench {

        /**
         * Makes the schema and the workers. Fails with {@link LabObstacle} or {@link io.tally.pipeline.StoreFailure},
         * after which there may be something to tear down.
         */
        Mono<List<Worker>> workers();

        /**
         * Looks what is there, when all workers have been answered. Fails with {@link io.tally.pipeline.StoreFailure}
         * only.
         */
        Mono<Stored> stored();

        /**
         * Closes the workers' connections and removes the schema, if it is this run's. Fails with
         * {@link io.tally.pipeline.StoreFailure} only.
         */
        Mono<Void> tearDown();
    }

    /** A simulated caller that makes one increment at a time. */
    interface Worker {
        /**
         * Makes one increment, and completes when that is durable or was refused. Fails with
         * {@link io.tally.pipeline.StoreFailure} where the outcome is unknown.
         *
         * @param counter which one, from 0
         * @param mayRetry whether a retry is worthwhile: where it is not, this completes empty and changed nothing
         */
        Mono<Counted> count(int counter, BooleanSupplier mayRetry);
    }

    /**
     * The outcome of an increment.
     *
     * @param acknowledged whether the caller got a success; else it got an error
     * @param retries how often something was sent again meanwhile
     */
    record Counted(boolean acknowledged, int retries) {}

    /**
     * What a table held.
     *
     * @param increments the sum of all its rows
     * @param duplicateRows how many there were beyond one for each counter
     */
    record Stored(long increments, long duplicateRows) {}
}
