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

    /** This instance has claimed a job, or released it. */
    void running(boolean runs) {
        running.set(runs ? 1 : 0);
    }

    /** This instance has done the last step of a job. */
    void done() {
        done.increment();
    }

    /** This instance has found that a job cannot succeed. */
    void failed() {
        failed.increment();
    }
}
