package io.tally.telemetry;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.tally.job.Job;
import io.tally.job.JobMetrics;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.springframework.stereotype.Component;

/** The meters of jobs. */
@Component
final class JobMeters implements JobMetrics {

    private final AtomicInteger running = new AtomicInteger();
    private final Map<Job.State, Counter> finished = new EnumMap<>(Job.State.class);

    JobMeters(MeterRegistry registry) {
        Gauge.builder(Meter.JOBS_RUNNING.id(), running, AtomicInteger::get)
                .description(Meter.JOBS_RUNNING.description())
                .register(registry);
        for (Job.State state : Set.of(Job.State.DONE, Job.State.FAILED)) {
            finished.put(state, Meter.JOBS_FINISHED.counter(registry, state.label()));
        }
    }

    @Override
    public void running(boolean runs) {
        running.set(runs ? 1 : 0);
    }

    @Override
    public void finished(Job.State state) {
        Objects.requireNonNull(finished.get(state)).increment();
    }
}
