package io.tally.job;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.tally.telemetry.Meter;
import java.util.concurrent.atomic.AtomicInteger;

/** The meters of jobs. Safe for use by many threads. */
final class JobMetrics {

    private final AtomicInteger running = new AtomicInteger();
    private final Counter done;
    private final Counter failed;

    JobMetrics(MeterRegistry registry) {
        Meter.JOBS_RUNNING.gauge(registry, running::get);
        done = Meter.JOBS_FINISHED.counter(registry, Job.State.DONE);
        failed = Meter.JOBS_FINISHED.counter(registry, Job.State.FAILED);
    }

    /** Records that this instance claimed or released a job. */
    void running(boolean runs) {
        running.set(runs ? 1 : 0);
    }

    /** Records that this instance completed a job. */
    void done() {
        done.increment();
    }

    /** Records that a job failed on this instance. */
    void failed() {
        failed.increment();
    }
}
