package io.tally.pipeline;

import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.Assert;

/**
 * The bounds of the pipeline. {@code application.yml} says how to choose the values.
 *
 * @param lanes how many writers this instance has, each with one connection
 * @param batchOperationsMax the most operations one batch takes from a lane's queue
 * @param batchCountersMax the most counters one statement touches
 * @param queueOperationsMax the most operations that wait in one lane; one more is refused
 * @param waitMax the longest an operation waits to be sent; after that it is refused, not applied
 * @param outcomeMax the longest a lane tries to learn what became of a batch whose answer was lost
 * @param drainMax the longest a stopping instance waits for its lanes to become empty
 */
@ConfigurationProperties("tally.pipeline")
public record PipelineProperties(
        @DefaultValue("2") int lanes,
        @DefaultValue("16384") int batchOperationsMax,
        @DefaultValue("2048") int batchCountersMax,
        @DefaultValue("65536") int queueOperationsMax,
        @DefaultValue("5s") Duration waitMax,
        @DefaultValue("20s") Duration outcomeMax,
        @DefaultValue("20s") Duration drainMax) {

    /**
     * Checks each bound and how they relate.
     *
     * @throws IllegalArgumentException with the name of the invalid key
     */
    public PipelineProperties {
        Assert.isTrue(lanes >= 1 && lanes <= 64, "tally.pipeline.lanes must be between 1 and 64");
        Assert.isTrue(
                batchOperationsMax >= 1 && batchOperationsMax <= 65_536,
                "tally.pipeline.batch-operations-max must be between 1 and 65536");
        // An array travels as text and the statement sorts it: beyond this, latency grows and throughput does not.
        Assert.isTrue(
                batchCountersMax >= 1 && batchCountersMax <= 8_192,
                "tally.pipeline.batch-counters-max must be between 1 and 8192");
        Assert.isTrue(
                queueOperationsMax >= batchOperationsMax && queueOperationsMax <= 1 << 20,
                "tally.pipeline.queue-operations-max must be between batch-operations-max and 1048576");
        Assert.isTrue(waitMax.isPositive(), "tally.pipeline.wait-max must be positive");
        // A request in doubt has waited to be sent before.
        Assert.isTrue(
                outcomeMax.compareTo(waitMax) >= 0, "tally.pipeline.outcome-max must not be shorter than wait-max");
        Assert.isTrue(drainMax.compareTo(waitMax) >= 0, "tally.pipeline.drain-max must not be shorter than wait-max");
    }

    /**
     * How long a batch may be in flight: twice as long as it can take. It is sent until {@link #waitMax}, then asked
     * about until {@link #outcomeMax}, and each of the two may end with a call that has just begun.
     *
     * @param callMax the longest that one call of the store takes
     */
    Duration flightMax(Duration callMax) {
        return waitMax.plus(outcomeMax).plus(callMax.multipliedBy(2)).multipliedBy(2);
    }
}
