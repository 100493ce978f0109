package io.tally.job;

import java.util.List;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** Jobs of whatever kinds there are, in whatever store. */
@Configuration(proxyBeanMethods = false)
class JobConfiguration {

    @Bean
    Jobs jobs(JobStore store) {
        return new Jobs(store);
    }

    @Bean
    JobStreams jobStreams(JobStore store) {
        return new JobStreams(store, System::nanoTime);
    }

    @Bean
    JobWorker jobWorker(JobStore store, List<JobKind> kinds, JobMetrics metrics) {
        return new JobWorker(store, kinds, metrics);
    }
}
