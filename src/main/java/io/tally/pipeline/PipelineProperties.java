package io.tally.pipeline;

import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.Assert;

/**
 * The limits of the pipeline. {@code application.yml} says how to choose the values.
 *
 * @param lanes the number of lanes of each shard in this instance, each with one connection; {@code null} for the
 *     default
 * @param batchOperationsMax the maximum of operations in one batch
 * @param batchCountersMax the maximum of counters in one statement
 * @param queueOperationsMax the maximum of waiting operations in one lane; Tally refuses further ones
 * @param waitMax the time-out of an operation in the queue; then it is refused and not applied
 * @param outcomeMax the time-out for resolving a batch in doubt
 * @param drainMax the time-out for draining the lanes at shutdown
 */
@ConfigurationProperties("tally.pipeline")
public record PipelineProperties(
        @Nullable Integer lanes,
        @DefaultValue("16384") int batchOperationsMax,
        @DefaultValue("2048") int batchCountersMax,
        @DefaultValue("65536") int queueOperationsMax,
        @DefaultValue("5s") Duration waitMax,
        @DefaultValue("20s") Duration outcomeMax,
        @DefaultValue("20s") Duration drainMax) {

    /**
     * Checks each value and the relations between them.
     *
     * @throws IllegalArgumentException with the name of the invalid key
     */
    public PipelineProperties {
        Assert.isTrue(lanes == null || (lanes >= 1 && lanes <= 64), "tally.pipeline.lanes must be between 1 and 64");
        Assert.isTrue(
                batchOperationsMax >= 1 && batchOperationsMax <= 65_536,
                "tally.pipeline.batch-operations-max must be between 1 and 65536");
        // The driver sends arrays as text, and the statement sorts them: beyond this limit, latency grows and
        // throughput does not.
        Assert.isTrue(
                batchCountersMax >= 1 && batchCountersMax <= 8_192,
                "tally.pipeline.batch-counters-max must be between 1 and 8192");
        Assert.isTrue(
                queueOperationsMax >= batchOperationsMax && queueOperationsMax <= 1 << 20,
                "tally.pipeline.queue-operations-max must be between batch-operations-max and 1048576");
        Assert.isTrue(waitMax.isPositive(), "tally.pipeline.wait-max must be positive");
        // An operation in doubt may have waited in the queue for wait-max before.
        Assert.isTrue(
                outcomeMax.compareTo(waitMax) >= 0, "tally.pipeline.outcome-max must not be shorter than wait-max");
        Assert.isTrue(drainMax.compareTo(waitMax) >= 0, "tally.pipeline.drain-max must not be shorter than wait-max");
    }

    /**
     * The number of lanes of each shard. By default two batches can be in flight: those of the two lanes of the only
     * shard, or of two shards with a lane each.
     */
    public int lanes(int shards) {
        return lanes == null ? defaultLanes(shards) : lanes;
    }

    private static int defaultLanes(int shards) {
        return shards == 1 ? 2 : 1;
    }

    /**
     * The maximum time of a batch in flight: twice the sum of its time-outs. The lane sends it until {@link #waitMax}
     * and resolves its outcome until {@link #outcomeMax}; each of the two may end with a call that has just begun.
     *
     * @param callMax the maximum time of one call of the store
     */
    Duration flightMax(Duration callMax) {
        return waitMax.plus(outcomeMax).plus(callMax.multipliedBy(2)).multipliedBy(2);
    }
}
