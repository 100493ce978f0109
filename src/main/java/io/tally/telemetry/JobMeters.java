package io.tally.telemetry;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.tally.job.Job;
import io.tally.job.JobMetrics;
import java.util.concurrent.atomic.AtomicInteger;
import org.springframework.stereotype.Component;

/** The meters of jobs. */
@Component
final class JobMeters implements JobMetrics {

    private final AtomicInteger running = new AtomicInteger();
    private final Counter done;
    private final Counter failed;

    JobMeters(MeterRegistry registry) {
        Gauge.builder(Meter.JOBS_RUNNING.id(), running, AtomicInteger::get)
                .description(Meter.JOBS_RUNNING.description())
                .register(registry);
        done = Meter.JOBS_FINISHED.counter(registry, Job.State.DONE.label());
        failed = Meter.JOBS_FINISHED.counter(registry, Job.State.FAILED.label());
    }

    @Override
    public void running(boolean runs) {
        running.set(runs ? 1 : 0);
    }

    @Override
    public void done() {
        done.increment();
    }

    @Override
    public void failed() {
        failed.increment();
    }
}
