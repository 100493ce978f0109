package io.tally.console;

import io.micrometer.core.instrument.MeterRegistry;
import io.tally.access.AccessMode;
import io.tally.audit.AuditProperties;
import io.tally.audit.Audits;
import io.tally.audit.BooksView;
import io.tally.counter.Labels;
import io.tally.counter.OutcomeCategory;
import io.tally.http.Action;
import io.tally.http.Caller;
import io.tally.http.Routes;
import io.tally.http.Routes.Route;
import io.tally.job.JobView;
import io.tally.job.Jobs;
import io.tally.lane.Lane;
import io.tally.pipeline.CounterPipeline;
import io.tally.pipeline.PipelineProperties;
import io.tally.pipeline.StoreFailure;
import io.tally.postgres.InstanceName;
import io.tally.telemetry.Meter;
import java.time.Duration;
import java.time.Instant;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.context.ApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.HttpMethod;
import org.springframework.web.reactive.function.server.ServerRequest;
import org.springframework.web.reactive.function.server.ServerResponse;
import reactor.core.publisher.Mono;

/**
 * {@code GET /console/status}: what this instance knows about itself, and about all from the database. Without the
 * database, the members that need it are {@code null}. No part of the API: it may change with each release.
 */
@Configuration(proxyBeanMethods = false)
@ConditionalOnConsole
class StatusRoutes {

    private static final int JOBS_MAX = 50;

    /** Why the access control refuses what it would admit later, as the meter has it. */
    private static final List<String> REFUSED_AT_THE_GATE =
            List.of("rate-limited", "unavailable", "issuer-unavailable", "overloaded");

    private final Audits audits;
    private final AuditProperties auditSettings;
    private final CounterPipeline pipeline;
    private final PipelineProperties limits;
    private final MeterRegistry registry;
    private final Jobs jobs;
    private final Instances instances;
    private final Facts facts;

    /** What does not change while the instance runs. */
    private record Facts(Instant startedAt, boolean lab, boolean keys, int shards, String version) {}

    StatusRoutes(
            Audits audits,
            AuditProperties auditSettings,
            CounterPipeline pipeline,
            PipelineProperties limits,
            MeterRegistry registry,
            Jobs jobs,
            Instances instances,
            AccessMode mode,
            ApplicationContext context,
            @Value("${tally.lab.enabled:false}") boolean lab,
            @Value("${tally.shards.count:1}") int shards,
            @Value("${spring.application.version:unreleased}") String version) {
        this.audits = audits;
        this.auditSettings = auditSettings;
        this.pipeline = pipeline;
        this.limits = limits;
        this.registry = registry;
        this.jobs = jobs;
        this.instances = instances;
        this.facts = new Facts(Instant.ofEpochMilli(context.getStartupDate()), lab, mode.hasKeys(), shards, version);
    }

    /**
     * The status as JSON.
     *
     * @param now the time by the clock of this instance, which stamps its audits
     * @param audit the last audit of this instance; {@code null} before the first
     * @param jobs those that run; {@code null} without the database
     * @param instances the number of instances that write; {@code null} without the database
     * @param keys whether the access mode has keys
     */
    record StatusView(
            String instance,
            Instant now,
            @Nullable BooksView audit,
            double auditIntervalSeconds,
            List<LaneView> lanes,
            RequestsView requests,
            Instant startedAt,
            @Nullable List<JobView> jobs,
            @Nullable Integer instances,
            boolean lab,
            boolean keys,
            int shards,
            String version) {}

    /** The queue of a lane, and the age of its batch in flight. */
    record LaneView(String name, int queued, int queueMax, double batchAgeSeconds) {}

    /**
     * Operations since the start, reads excluded. An item of an array or a stream is an operation, too.
     *
     * @param handled all of them, with any outcome
     * @param refused not applied, because of overload, a rate limit or an unavailable database; those that the access
     *     control refused include reads
     * @param failed the outcome is unknown
     */
    record RequestsView(long handled, long refused, long failed) {}

    @Bean
    Route consoleStatusRoute() {
        return Routes.resource(Routes.CONSOLE_STATUS)
                .on(HttpMethod.GET, Action.READ, this::status)
                .build();
    }

    private Mono<ServerResponse> status(ServerRequest request) {
        Caller.of(request).requireEverywhere(Action.READ);
        return Mono.zip(optional(jobs.running(JOBS_MAX)), optional(instances.names()), this::status)
                .flatMap(status -> Routes.json(ServerResponse.ok(), status));
    }

    private static <T> Mono<Optional<T>> optional(Mono<T> known) {
        return known.map(Optional::of).onErrorResume(StoreFailure.class, away -> Mono.just(Optional.empty()));
    }

    private StatusView status(Optional<List<JobView>> running, Optional<Set<String>> writers) {
        return new StatusView(
                InstanceName.own(),
                Instant.now(),
                audits.last(),
                seconds(auditSettings.interval()),
                lanes(),
                requests(),
                facts.startedAt(),
                running.orElse(null),
                writers.map(StatusRoutes::count).orElse(null),
                facts.lab(),
                facts.keys(),
                facts.shards(),
                facts.version());
    }

    /** This instance counts, even if it has not written yet. */
    private static Integer count(Set<String> writers) {
        Set<String> all = new HashSet<>(writers);
        all.add(InstanceName.own());
        return all.size();
    }

    private List<LaneView> lanes() {
        Stream<LaneView> writes = IntStream.range(0, pipeline.writeLanes())
                .mapToObj(lane -> new LaneView(
                        "lane " + lane,
                        pipeline.queued(lane),
                        limits.queueOperationsMax(),
                        seconds(pipeline.batchAge(lane))));
        return Stream.concat(writes, pipeline.readLanes().stream().map(this::view))
                .toList();
    }

    private LaneView view(Lane<?, ?> reads) {
        return new LaneView(reads.name(), reads.queued(), limits.queueOperationsMax(), seconds(reads.batchAge()));
    }

    private RequestsView requests() {
        Map<OutcomeCategory, Long> operations = new EnumMap<>(OutcomeCategory.class);
        for (OutcomeCategory outcome : OutcomeCategory.values()) {
            operations.put(outcome, Meter.OPERATIONS.total(registry, Labels.label(outcome)));
        }
        long atTheGate = REFUSED_AT_THE_GATE.stream()
                .mapToLong(reason -> Meter.ACCESS_REFUSED.total(registry, reason))
                .sum();
        long handled = operations.values().stream().mapToLong(Long::longValue).sum();
        return new RequestsView(
                handled + atTheGate,
                operations.getOrDefault(OutcomeCategory.REFUSED, 0L) + atTheGate,
                operations.getOrDefault(OutcomeCategory.FAILED, 0L));
    }

    private static double seconds(Duration duration) {
        return duration.toNanos() / 1e9;
    }
}
