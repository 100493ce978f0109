package io.tally.bench;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import org.HdrHistogram.Histogram;

/** The outcomes of the requests of a {@link Plan}. For one thread. */
final class Report {

    private static final long LATENCY_MAX = TimeUnit.SECONDS.toNanos(60);
    private static final double NANOS_PER_SECOND = 1e9;
    private static final double NANOS_PER_MILLISECOND = 1e6;

    private final Plan plan;
    private final Histogram latencies = new Histogram(LATENCY_MAX, 3);
    private final Histogram lags = new Histogram(LATENCY_MAX, 3);
    private final long measuredFrom;
    private long okAll;
    private long ok;
    private long failed;
    private long last;

    Report(Plan plan) {
        this.plan = plan;
        this.measuredFrom = plan.due(plan.measuredFrom());
        this.last = plan.due(plan.requests());
    }

    /** A request was taken up; times in nanoseconds after the first was due. */
    void taken(long due, long now) {
        if (due >= measuredFrom) {
            lags.recordValue(Math.clamp(now - due, 0, LATENCY_MAX));
        }
    }

    /** It was answered with 2xx. */
    void ok(long due, long now) {
        okAll++;
        if (due >= measuredFrom) {
            ok++;
            last = Math.max(last, now);
            latencies.recordValue(Math.clamp(now - due, 0, LATENCY_MAX));
        }
    }

    /** It was answered otherwise, or its connection broke. */
    void failed(long due) {
        if (due >= measuredFrom) {
            failed++;
        }
    }

    /** Writes the distribution, in milliseconds, to where the plan says. */
    void save() throws IOException {
        try (PrintStream out = new PrintStream(Files.newOutputStream(plan.out()))) {
            latencies.outputPercentileDistribution(out, NANOS_PER_MILLISECOND);
        }
    }

    /**
     * One line of JSON, about the measured part but for {@code okAll}; times in milliseconds. {@code achieved}: how
     * many a second were answered, until the last of them was. {@code late50} and {@code late}: how long after they
     * were due requests were taken up, half of them and 99 % of them at most; where that comes near the latencies,
     * these are the load's own.
     *
     * @param outstanding requests without a response, which {@code okAll} and the latencies exclude
     */
    String json(long outstanding) {
        return String.format(
                Locale.ROOT,
                "{\"sent\":%d,\"ok\":%d,\"failed\":%d,\"seconds\":%d,\"rate\":%d,\"achieved\":%.1f,"
                        + "\"p50\":%.3f,\"p90\":%.3f,\"p99\":%.3f,\"p999\":%.3f,\"max\":%.3f,"
                        + "\"late50\":%.3f,\"late\":%.3f,\"okAll\":%d,\"outstanding\":%d}",
                plan.requests() - plan.measuredFrom(),
                ok,
                failed,
                plan.seconds(),
                plan.rate(),
                ok * NANOS_PER_SECOND / (last - measuredFrom),
                percentile(latencies, 50),
                percentile(latencies, 90),
                percentile(latencies, 99),
                percentile(latencies, 99.9),
                percentile(latencies, 100),
                percentile(lags, 50),
                percentile(lags, 99),
                okAll,
                outstanding);
    }

    private static double percentile(Histogram histogram, double percentile) {
        return histogram.getValueAtPercentile(percentile) / NANOS_PER_MILLISECOND;
    }
}
