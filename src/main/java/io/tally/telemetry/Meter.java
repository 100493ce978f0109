package io.tally.telemetry;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.TimeGauge;
import io.micrometer.core.instrument.Timer;
import io.tally.counter.Labels;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.springframework.util.Assert;

/**
 * Every meter of the service; times are in seconds, everything else is a number. A label never holds the name of a
 * counter, a key or a user: the number of their values has to stay small.
 */
public enum Meter {
    OPERATIONS("tally.operations", "Operations, by what their callers were told.", "kind", "outcome"),
    BULK_LINES("tally.bulk.lines", "Lines of streams and items of arrays, by how they were answered.", "outcome"),
    HTTP_ABORTED("tally.http.aborted.requests", "Requests that did not arrive to their end, by why.", "reason"),
    KEYS_PRUNED("tally.idempotency.keys.pruned", "Idempotency keys removed after their retention."),
    BATCH_OPERATIONS("tally.batch.operations", "Operations in a committed batch.", "lane", "path"),
    BATCH_COUNTERS("tally.batch.counters", "Counters in a committed batch.", "lane", "path"),
    BATCH("tally.batch", "From sending a batch to knowing that it is durable.", "lane", "path"),
    LANE_QUEUED("tally.lane.queued", "Operations that wait in a lane's queue.", "lane"),
    LANE_QUEUE_LIMIT("tally.lane.queue.limit", "The most that may wait there; one more is refused.", "lane"),
    LANE_AVAILABLE("tally.lane.available", "1 where a lane can write, 0 while its database is away.", "lane"),
    LANE_BATCH_AGE("tally.lane.batch.age", "How long the batch in flight has been so; 0 while none is.", "lane"),
    LANE_WAIT("tally.lane.wait", "From an operation's arrival to the cut of its batch.", "lane"),
    RETRIES("tally.retries", "Batches sent again, or asked about again, by cause.", "cause"),
    COMMITS_UNKNOWN("tally.commits.unknown", "Batches whose answer was lost in flight."),
    COMMITS_RECOVERED("tally.commits.recovered", "How the commits of unknown outcome ended.", "resolution"),
    ACKNOWLEDGED_OPERATIONS("tally.acknowledged.operations", "Operations that the database said are durable.", "lane"),
    /** A Prometheus counter cannot fall, so signs are left out. */
    ACKNOWLEDGED_DELTA("tally.acknowledged.delta", "What these moved the values by, counted without signs.", "lane"),
    RANKING_PASS("tally.ranking.pass", "A pass over a large namespace, to bring the order of its counters up to date."),
    JOBS_RUNNING("tally.jobs.running", "Jobs that this instance works on now."),
    JOBS_FINISHED("tally.jobs.finished", "Jobs that this instance saw to their end, done or failed.", "state"),
    WATCH_STREAMS("tally.watch.streams", "Live streams that are open."),
    WATCH_EVENTS("tally.watch.events", "Events sent to live streams, heart-beats not counted."),
    LAB_OPERATIONS(
            "tally.lab.operations", "Increments that the lab's callers were told of as done.", "strategy", "isolation"),
    LAB_LOST_UPDATES("tally.lab.lost.updates", "Those of them that the table did not hold.", "strategy", "isolation"),
    LAB_DUPLICATE_ROWS("tally.lab.duplicate.rows", "Rows beyond one for each counter.", "strategy", "isolation"),
    LAB_ERRORS(
            "tally.lab.errors", "Increments that the lab's callers were told of as failed.", "strategy", "isolation"),
    LAB_RETRIES("tally.lab.retries", "How often something was sent again.", "strategy", "isolation"),
    AUDIT_DRIFT("tally.audit.drift", "Sum of all values less the sum of all writers' books: 0, or tampered with."),
    AUDIT_LOST("tally.audit.lost.operations", "Acknowledged operations that the database has no record of: 0."),
    AUDIT_AGE("tally.audit.age", "Since the last audit that succeeded, or since the start."),
    AUDIT("tally.audit", "How long an audit took.");

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

    /** Registers a gauge that reads a number. */
    public void gauge(MeterRegistry registry, Supplier<Number> value, Object... values) {
        Gauge.builder(id, value).description(description).tags(tags(values)).register(registry);
    }

    /** Registers a gauge that reads a time in nanoseconds. */
    public void timeGauge(MeterRegistry registry, Supplier<Number> nanos, Object... values) {
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
     * The labels with these values, as name, value, name, value; an enum's value is its {@linkplain Labels label}.
     *
     * @throws IllegalArgumentException if there are more or fewer values than labels
     */
    private String[] tags(Object... values) {
        Assert.isTrue(values.length == labels.size(), () -> this + " has " + labels.size() + " labels");
        String[] tags = new String[2 * values.length];
        for (int i = 0; i < values.length; i++) {
            tags[2 * i] = labels.get(i);
            tags[2 * i + 1] = values[i] instanceof Enum<?> constant ? Labels.label(constant) : values[i].toString();
        }
        return tags;
    }
}
