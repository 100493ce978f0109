package io.tally.job;

import io.micrometer.core.instrument.MeterRegistry;
import io.tally.http.Progress;
import io.tally.http.Progress.Work;
import io.tally.postgres.IdempotentTransaction;
import io.tally.postgres.Pool;
import io.tally.shard.PerShard;
import java.util.List;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** Jobs, their store and their worker. */
@Configuration(proxyBeanMethods = false)
class JobConfiguration {

    @Bean
    JobStore jobStore(PerShard<Pool> pools, PerShard<IdempotentTransaction> transactions) {
        return new PostgresJobs(pools, transactions);
    }

    @Bean
    Jobs jobs(JobStore store) {
        return new Jobs(store);
    }

    @Bean
    Progress<Job> jobProgress(JobStore store) {
        return new Progress<>(new Work<>("job", store::find, Job::isFinished, JobView::of));
    }

    @Bean
    JobWorker jobWorker(JobStore store, List<JobKind> kinds, MeterRegistry registry) {
        return new JobWorker(store, kinds, new JobMetrics(registry));
    }
}
