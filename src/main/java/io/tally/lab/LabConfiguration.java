package io.tally.lab;

import io.micrometer.core.instrument.MeterRegistry;
import io.tally.http.Progress;
import io.tally.http.Progress.Work;
import io.tally.lab.LabViews.RunView;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** The lab, its progress and its runner. */
@Configuration(proxyBeanMethods = false)
@ConditionalOnLab
@EnableConfigurationProperties(LabProperties.class)
class LabConfiguration {

    @Bean
    Progress<LabRun> labProgress(LabStore store) {
        return new Progress<>(new Work<>("run of the lab", store::find, LabRun::isFinished, RunView::of));
    }

    @Bean
    LabRunner labRunner(LabStore store, LabDatabase database, MeterRegistry registry, LabProperties properties) {
        return new LabRunner(store, database, new LabMetrics(registry), properties.runMax());
    }
}
