package io.tally.lab;

import io.tally.counter.IdempotencyKey;
import io.tally.counter.KeyedRequest;
import io.tally.http.Action;
import io.tally.http.Bodies;
import io.tally.http.Caller;
import io.tally.http.IdempotencyKeys;
import io.tally.http.Int64Form;
import io.tally.http.Paging;
import io.tally.http.ProblemException;
import io.tally.http.ProblemType;
import io.tally.http.Progress;
import io.tally.http.RequestPath;
import io.tally.http.Routes;
import io.tally.http.Routes.Route;
import io.tally.idempotency.KeyScopes;
import io.tally.lab.LabStore.Started;
import io.tally.lab.LabViews.RunView;
import java.net.URI;
import java.util.UUID;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpMethod;
import org.springframework.web.reactive.function.server.ServerRequest;
import org.springframework.web.reactive.function.server.ServerResponse;
import reactor.core.publisher.Mono;
import tools.jackson.databind.JsonNode;

/** {@code /v1/lab/runs}: run a counting strategy and measure its lost updates, duplicates and costs. */
@Configuration(proxyBeanMethods = false)
@ConditionalOnLab
class LabRoutes {

    private static final String RUNS = "/v1/lab/runs";

    private static final int WORKERS_DEFAULT = 16;
    private static final int INCREMENTS_DEFAULT = 10_000;

    private final LabStore store;
    private final Progress<LabRun> progress;
    private final LabProperties limits;
    private final KeyScopes scopes;

    LabRoutes(LabStore store, Progress<LabRun> labProgress, LabProperties limits, KeyScopes scopes) {
        this.store = store;
        this.progress = labProgress;
        this.limits = limits;
        this.scopes = scopes;
    }

    @Bean
    Route labRunsRoute() {
        return Routes.resource(RUNS)
                .on(HttpMethod.POST, Action.ADMIN, this::start)
                .on(HttpMethod.GET, Action.ADMIN, this::list)
                .build();
    }

    @Bean
    Route labRunRoute() {
        return Routes.resource(RUNS + "/{id}")
                .on(
                        HttpMethod.GET,
                        Action.ADMIN,
                        Progress.TYPES,
                        request -> progress.show(request, id(request), run -> true),
                        Int64Form.PARAMETER)
                .on(HttpMethod.DELETE, Action.ADMIN, this::stop)
                .build();
    }

    private static String id(ServerRequest request) {
        return RequestPath.segment(request, 3);
    }

    // ---- starting

    private Mono<ServerResponse> start(ServerRequest request) {
        IdempotencyKey own = IdempotencyKeys.of(request, Caller.of(request).scope(IdempotencyKey.LAB_RUNS));
        return scopes.choose(own, IdempotencyKey.LAB_RUNS).flatMap(key -> start(request, key.orElse(null)));
    }

    private Mono<ServerResponse> start(ServerRequest request, @Nullable IdempotencyKey key) {
        return Bodies.json(request)
                .switchIfEmpty(Mono.error(Bodies::missing))
                .map(this::experiment)
                .flatMap(experiment -> store.start(experiment, keyed(key, experiment)))
                .flatMap(once -> IdempotencyKeys.answer(once, LabRoutes::answer));
    }

    private static @Nullable KeyedRequest keyed(@Nullable IdempotencyKey key, Experiment experiment) {
        return key == null
                ? null
                : KeyedRequest.of(
                        key,
                        "%s %s %d %d %d"
                                .formatted(
                                        experiment.strategy().label(),
                                        experiment.isolation().label(),
                                        experiment.workers(),
                                        experiment.increments(),
                                        experiment.counters()));
    }

    private static Mono<ServerResponse> answer(Started started, Consumer<HttpHeaders> headers) {
        URI location = location(started.run().id());
        return started.fresh()
                ? Routes.json(ServerResponse.accepted().location(location).headers(headers), RunView.of(started.run()))
                : Mono.error(alreadyRunning(location));
    }

    private static ProblemException alreadyRunning(URI location) {
        return ProblemException.at(location, ProblemType.LAB_BUSY, "A run is active: " + location + ".");
    }

    private static URI location(UUID id) {
        return URI.create(RUNS + "/" + id);
    }

    /** {@code {"strategy":"atomic","isolation":"read-committed","workers":16,"increments":10000,"counters":1}}. */
    private Experiment experiment(JsonNode json) {
        Strategy strategy = null;
        Isolation isolation = Isolation.READ_COMMITTED;
        long workers = Math.min(WORKERS_DEFAULT, limits.workersMax());
        long increments = Math.min(INCREMENTS_DEFAULT, limits.incrementsMax());
        long counters = 1;
        for (var member : Bodies.members(json)) {
            String name = member.getKey();
            JsonNode value = member.getValue();
            switch (name) {
                case "strategy" -> strategy = Bodies.checked(() -> Strategy.of(Bodies.text(name, value)));
                case "isolation" -> isolation = Bodies.checked(() -> Isolation.of(Bodies.text(name, value)));
                case "workers" -> workers = within(name, Bodies.number(name, value), limits.workersMax());
                case "increments" -> increments = within(name, Bodies.int64(name, value), limits.incrementsMax());
                case "counters" -> counters = within(name, Bodies.number(name, value), limits.countersMax());
                default ->
                    throw Bodies.malformed(
                            "A run must have no members but 'strategy', 'isolation', 'workers', 'increments' and"
                                    + " 'counters'.");
            }
        }
        if (strategy == null) {
            throw Bodies.malformed("'strategy' is missing.");
        }
        return new Experiment(strategy, isolation, (int) workers, increments, (int) counters);
    }

    private static long within(String name, long number, long max) {
        if (number < 1 || number > max) {
            throw Bodies.malformed("'" + name + "' must be between 1 and " + max + ".");
        }
        return number;
    }

    // ---- looking and stopping

    private Mono<ServerResponse> list(ServerRequest request) {
        return store.list()
                .map(runs -> new Paging.Page<>(runs.stream().map(RunView::of).toList(), null))
                .flatMap(Routes::list);
    }

    private Mono<ServerResponse> stop(ServerRequest request) {
        return Mono.justOrEmpty(Progress.id(id(request)))
                .flatMap(store::stop)
                .flatMap(run -> Routes.json(
                        run.isFinished() ? ServerResponse.ok() : ServerResponse.accepted(), RunView.of(run)))
                .switchIfEmpty(Mono.defer(progress::notFound));
    }
}
