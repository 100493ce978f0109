package io.tally.lab;

import java.util.List;
import java.util.UUID;
import java.util.function.BooleanSupplier;
import reactor.core.publisher.Mono;

/** The database of the lab: a schema for a run, and workers with dedicated connections. */
public interface LabDatabase {

    /** The tables and workers of a run. {@link Bench#workers} creates them. */
    Bench bench(UUID run, Experiment experiment);

    /**
     * Removes the leftovers of a run whose instance died. Fails with {@link LabObstacle} if an operator has to remove
     * them, otherwise with {@link io.tally.pipeline.StoreFailure}.
     */
    Mono<Void> clear(UUID run);

    /** See {@link LabDatabase#bench}. Each {@code Mono} is subscribed to once. */
    interface Bench {

        /**
         * Creates the schema and the workers. Fails with {@link LabObstacle} or {@link io.tally.pipeline.StoreFailure};
         * then a tear-down may be necessary.
         */
        Mono<List<Worker>> workers();

        /**
         * Reads the stored data after all workers have finished. Fails with {@link io.tally.pipeline.StoreFailure}
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
         * Makes one increment, and completes when it is durable or refused. Fails with {@link
         * io.tally.pipeline.StoreFailure} if the outcome is unknown.
         *
         * @param counter the index of the counter, from 0
         * @param mayRetry whether a retry is allowed: otherwise this completes empty without a change
         */
        Mono<Counted> count(int counter, BooleanSupplier mayRetry);
    }

    /**
     * The outcome of an increment.
     *
     * @param acknowledged whether the caller got a success or an error
     * @param retries the number of retries
     */
    record Counted(boolean acknowledged, int retries) {}

    /**
     * The content of the table.
     *
     * @param increments the sum of all its rows
     * @param duplicateRows the number of surplus rows of counters
     */
    record Stored(long increments, long duplicateRows) {}
}
