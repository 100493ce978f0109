package io.tally.telemetry;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.TimeGauge;
import io.micrometer.core.instrument.Timer;
import io.tally.counter.Labels;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.springframework.util.Assert;

/**
 * The meters of the service. Times are in seconds. A label never contains the name of a counter, a key or a user, so
 * that the number of time series stays small.
 */
public enum Meter {
    OPERATIONS("tally.operations", "Operations, by outcome.", "kind", "outcome"),
    BULK_LINES("tally.bulk.lines", "Lines of streams and items of arrays, by outcome.", "outcome"),
    HTTP_ABORTED(
            "tally.http.aborted.requests", "Requests that the client did not send completely, by reason.", "reason"),
    ACCESS_REFUSED(
            "tally.access.refused",
            "Requests, and items of arrays and streams, that the access control refused, by reason.",
            "reason"),
    KEYS_PRUNED("tally.idempotency.keys.pruned", "Idempotency keys removed after their retention."),
    BATCH_OPERATIONS("tally.batch.operations", "Operations in a batch.", "lane", "path"),
    BATCH_COUNTERS("tally.batch.counters", "Counters in a batch.", "lane", "path"),
    BATCH("tally.batch", "Duration of a batch, from sending to durable commit.", "lane", "path"),
    LANE_QUEUED("tally.lane.queued", "Operations waiting in the queue of a lane.", "lane"),
    LANE_QUEUE_LIMIT(
            "tally.lane.queue.limit", "Maximum of waiting operations in a lane; Tally rejects further ones.", "lane"),
    LANE_AVAILABLE("tally.lane.available", "1 while the lane can write, 0 while it cannot.", "lane"),
    LANE_BATCH_AGE("tally.lane.batch.age", "Age of the batch in flight; 0 without one.", "lane"),
    LANE_WAIT("tally.lane.wait", "Time that an operation waits in the queue.", "lane"),
    RETRIES("tally.retries", "Retries of batches and of look-ups of their outcome, by cause.", "cause"),
    COMMITS_UNKNOWN("tally.commits.unknown", "Batches in doubt: the connection failed before the response."),
    COMMITS_RECOVERED("tally.commits.recovered", "Batches in doubt, by how Tally resolved them.", "resolution"),
    ACKNOWLEDGED_OPERATIONS("tally.acknowledged.operations", "Operations that the database committed durably.", "lane"),
    /** Absolute values, since a Prometheus counter cannot decrease. */
    ACKNOWLEDGED_DELTA("tally.acknowledged.delta", "Sum of the absolute deltas of acknowledged operations.", "lane"),
    SWEEP("tally.sweep", "Duration of a chunk of a pass that begins periods or removes expired counters.", "kind"),
    SWEEP_COUNTERS("tally.sweep.counters", "Counters whose period a pass began, or that it removed.", "kind"),
    SWEEP_LAG(
            "tally.sweep.lag",
            "Time since which a pass has swept all due counters; 0 on instances without passes.",
            "kind"),
    RANKING_PASS("tally.ranking.pass", "Duration of a pass that refreshes the order of a large namespace."),
    JOBS_RUNNING("tally.jobs.running", "Jobs that this instance is executing."),
    JOBS_FINISHED("tally.jobs.finished", "Jobs that ended on this instance, by final state.", "state"),
    WATCH_STREAMS("tally.watch.streams", "Open live streams."),
    WATCH_EVENTS("tally.watch.events", "Events sent to live streams, without heartbeats."),
    LAB_OPERATIONS("tally.lab.operations", "Increments of the lab that succeeded.", "strategy", "isolation"),
    LAB_LOST_UPDATES(
            "tally.lab.lost.updates",
            "Successful increments of the lab that are missing in its table.",
            "strategy",
            "isolation"),
    LAB_DUPLICATE_ROWS("tally.lab.duplicate.rows", "Surplus rows of counters of the lab.", "strategy", "isolation"),
    LAB_ERRORS("tally.lab.errors", "Increments of the lab that failed.", "strategy", "isolation"),
    LAB_RETRIES("tally.lab.retries", "Retries of increments of the lab.", "strategy", "isolation"),
    AUDIT_DRIFT(
            "tally.audit.drift",
            "Sum of all values minus the sum of all writers; not 0 means a change outside Tally.",
            "shard"),
    AUDIT_LOST(
            "tally.audit.lost.operations",
            "Acknowledged operations without a record in the database; not 0 after a loss.",
            "shard"),
    AUDIT_AGE("tally.audit.age", "Time since the last successful audit, or since the start of the instance.", "shard"),
    AUDIT("tally.audit", "Duration of an audit.", "shard");

    private final String id;
    private final String description;

    @SuppressWarnings("ImmutableEnumChecker") // List.of is
    private final List<String> labels;

    Meter(String id, String description, String... labels) {
        this.id = id;
        this.description = description;
        this.labels = List.of(labels);
    }

    /** Registers a counter with these values of its labels. */
    public Counter counter(MeterRegistry registry, Object... values) {
        return Counter.builder(id).description(description).tags(tags(values)).register(registry);
    }

    /** Registers a counter for each value of the last label, with these values of the labels before it. */
    public <E extends Enum<E>> MeterFamily<E, Counter> counters(
            MeterRegistry registry, Class<E> lastLabel, Object... values) {
        return new MeterFamily<>(lastLabel, last -> {
            Object[] all = Arrays.copyOf(values, values.length + 1);
            all[values.length] = last;
            return counter(registry, all);
        });
    }

    /** The sum of the registered counters whose last label has that value. */
    public long total(MeterRegistry registry, String last) {
        return (long) registry.find(id).tag(labels.getLast(), last).counters().stream()
                .mapToDouble(Counter::count)
                .sum();
    }

    /** Registers a gauge that reads a number. */
    public void gauge(MeterRegistry registry, Supplier<Number> value, @Nullable Object... values) {
        Gauge.builder(id, value).description(description).tags(tags(values)).register(registry);
    }

    /** Registers a gauge that reads a time in nanoseconds. */
    public void timeGauge(MeterRegistry registry, Supplier<Number> nanos, @Nullable Object... values) {
        TimeGauge.builder(id, nanos, TimeUnit.NANOSECONDS)
                .description(description)
                .tags(tags(values))
                .register(registry);
    }

    /** A timer to register. */
    public Timer.Builder timer(Object... values) {
        return Timer.builder(id).description(description).tags(tags(values));
    }

    /** Registers a summary of numbers. */
    DistributionSummary summary(MeterRegistry registry, Object... values) {
        return DistributionSummary.builder(id)
                .description(description)
                .tags(tags(values))
                .register(registry);
    }

    /**
     * The labels with these values, as name, value, name, value; an enum's value is its {@linkplain Labels label}. A
     * label without a value is left out: that of the shard if there is only one.
     *
     * @throws IllegalArgumentException if there are more or fewer values than labels
     */
    private String[] tags(@Nullable Object... values) {
        Assert.isTrue(values.length == labels.size(), () -> this + " has " + labels.size() + " labels");
        List<String> tags = new ArrayList<>();
        for (int i = 0; i < values.length; i++) {
            Object value = values[i];
            if (value != null) {
                tags.add(labels.get(i));
                tags.add(value instanceof Enum<?> constant ? Labels.label(constant) : value.toString());
            }
        }
        return tags.toArray(String[]::new);
    }
}
