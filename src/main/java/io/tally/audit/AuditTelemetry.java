package io.tally.audit;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;
import io.tally.audit.Audit.Books;
import io.tally.shard.Sharding;
import io.tally.telemetry.Meter;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.stereotype.Component;

/**
 * The last audits as gauges and as health, which is down while the books of a shard do not balance. Before the first
 * audit, the gauges read NaN.
 */
@Component("auditHealthIndicator")
record AuditTelemetry(Audits audits) implements MeterBinder, HealthIndicator {

    @Override
    public void bindTo(MeterRegistry registry) {
        for (int i = 0; i < audits.sharding().count(); i++) {
            bind(registry, i);
        }
    }

    private void bind(MeterRegistry registry, int shard) {
        Integer label = audits.sharding().count() == 1 ? null : Sharding.number(shard);
        Meter.AUDIT_DRIFT.gauge(
                registry, () -> read(shard, report -> report.drift().doubleValue()), label);
        Meter.AUDIT_LOST.gauge(registry, () -> read(shard, Audit.Report::lostOperations), label);
        Meter.AUDIT_AGE.timeGauge(registry, () -> ageNanos(shard), label);
        Meter.AUDIT.timeGauge(
                registry, () -> read(shard, report -> report.took().toNanos()), label);
    }

    private double read(int shard, ToDoubleFunction<Audit.Report> value) {
        Audit.Report report = audits.last(shard);
        return report == null ? Double.NaN : value.applyAsDouble(report);
    }

    private long ageNanos(int shard) {
        return Duration.between(audits.lastAt(shard), audits.clock().instant()).toNanos();
    }

    @Override
    public Health health() {
        List<Audit.Report> reports = IntStream.range(0, audits.sharding().count())
                .mapToObj(audits::last)
                .filter(Objects::nonNull)
                .toList();
        if (reports.isEmpty()) {
            return Health.unknown().build();
        }
        Books books = new Books(reports);
        Audit.Report total = books.total();
        Health.Builder health = status(books)
                .withDetail("drift", total.drift())
                .withDetail("lostOperations", total.lostOperations())
                .withDetail("at", total.at());
        return (audits.sharding().count() == 1 ? health : health.withDetail("shards", books.unbalanced())).build();
    }

    private Health.Builder status(Books books) {
        if (!books.unbalanced().isEmpty()) {
            return Health.down();
        }
        return books.reports().size() == audits.sharding().count() ? Health.up() : Health.unknown();
    }
}
