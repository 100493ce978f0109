package io.tally.telemetry;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.TimeGauge;
import io.micrometer.core.instrument.binder.MeterBinder;
import io.tally.audit.Audit;
import io.tally.audit.Audits;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.ToDoubleFunction;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.stereotype.Component;

/**
 * The last audit, as gauges and as health: down while the books do not balance. Until the first one, gauges read NaN.
 */
@Component("auditHealthIndicator")
record AuditTelemetry(Audits audits) implements MeterBinder, HealthIndicator {

    @Override
    public void bindTo(MeterRegistry registry) {
        gauge(registry, Meter.AUDIT_DRIFT, report -> report.drift().doubleValue());
        gauge(registry, Meter.AUDIT_LOST, Audit.Report::lostOperations);
        TimeGauge.builder(Meter.AUDIT_AGE.id(), this::ageSeconds, TimeUnit.SECONDS)
                .description(Meter.AUDIT_AGE.description())
                .register(registry);
        TimeGauge.builder(Meter.AUDIT.id(), () -> read(report -> report.took().toNanos() / 1e9), TimeUnit.SECONDS)
                .description(Meter.AUDIT.description())
                .register(registry);
    }

    private void gauge(MeterRegistry registry, Meter meter, ToDoubleFunction<Audit.Report> value) {
        Gauge.builder(meter.id(), () -> read(value))
                .description(meter.description())
                .register(registry);
    }

    private double read(ToDoubleFunction<Audit.Report> value) {
        Audit.Report report = audits.last();
        return report == null ? Double.NaN : value.applyAsDouble(report);
    }

    private double ageSeconds() {
        return Duration.between(audits.lastAt(), audits.clock().instant()).toNanos() / 1e9;
    }

    @Override
    public Health health() {
        Audit.Report report = audits.last();
        if (report == null) {
            return Health.unknown().build();
        }
        return (report.balanced() ? Health.up() : Health.down())
                .withDetail("drift", report.drift())
                .withDetail("lostOperations", report.lostOperations())
                .withDetail("at", report.at())
                .build();
    }
}
