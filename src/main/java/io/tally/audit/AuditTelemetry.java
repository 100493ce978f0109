package io.tally.audit;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;
import io.tally.telemetry.Meter;
import java.time.Duration;
import java.util.function.ToDoubleFunction;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.stereotype.Component;

/**
 * The last audit as gauges and as health, which is down while the books do not balance. Before the first audit, the
 * gauges read NaN.
 */
@Component("auditHealthIndicator")
record AuditTelemetry(Audits audits) implements MeterBinder, HealthIndicator {

    @Override
    public void bindTo(MeterRegistry registry) {
        Meter.AUDIT_DRIFT.gauge(registry, () -> read(report -> report.drift().doubleValue()));
        Meter.AUDIT_LOST.gauge(registry, () -> read(Audit.Report::lostOperations));
        Meter.AUDIT_AGE.timeGauge(registry, this::ageNanos);
        Meter.AUDIT.timeGauge(registry, () -> read(report -> report.took().toNanos()));
    }

    private double read(ToDoubleFunction<Audit.Report> value) {
        Audit.Report report = audits.last();
        return report == null ? Double.NaN : value.applyAsDouble(report);
    }

    private long ageNanos() {
        return Duration.between(audits.lastAt(), audits.clock().instant()).toNanos();
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
