package io.tally.bulk;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.tally.counter.Command;
import io.tally.counter.IdempotencyKey;
import io.tally.counter.Outcome;
import io.tally.counter.Outcome.Incremented;
import io.tally.counter.Outcome.IncrementedAtMost;
import io.tally.counter.Outcome.Replayed;
import io.tally.counter.OutcomeCategory;
import io.tally.http.Action;
import io.tally.http.Caller;
import io.tally.http.IdempotencyKeys;
import io.tally.http.Int64Form;
import io.tally.http.Preferences;
import io.tally.http.Problems;
import io.tally.http.ResponseJson;
import io.tally.http.Routes;
import io.tally.http.Routes.Route;
import io.tally.idempotency.KeyScopes;
import io.tally.idempotency.LineKeys;
import io.tally.pipeline.CounterPipeline;
import io.tally.telemetry.Meter;
import io.tally.telemetry.MeterFamily;
import java.util.List;
import java.util.function.Function;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpMethod;
import org.springframework.http.ProblemDetail;
import org.springframework.web.reactive.function.server.ServerRequest;
import org.springframework.web.reactive.function.server.ServerResponse;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import tools.jackson.core.JsonGenerator;
import tools.jackson.databind.json.JsonMapper;

/** Many independent increments in one request: an array, or a stream of lines of any length. */
@Configuration(proxyBeanMethods = false)
class BulkRoutes {

    private static final String RETURN = "return";
    private static final String MINIMAL = "minimal";

    private final CounterPipeline pipeline;
    private final BulkBodies bodies;
    private final MeterFamily<OutcomeCategory, Counter> lines;
    private final JsonMapper json;
    private final KeyScopes scopes;
    private final BulkAnswers<Outcome> answers;

    BulkRoutes(
            CounterPipeline pipeline,
            BulkBodies bodies,
            MeterRegistry registry,
            JsonMapper json,
            ResponseJson responseJson,
            KeyScopes scopes) {
        this.pipeline = pipeline;
        this.bodies = bodies;
        this.lines = Meter.BULK_LINES.counters(registry, OutcomeCategory.class);
        this.json = json;
        this.scopes = scopes;
        this.answers = new BulkAnswers<>(responseJson, BulkRoutes::write);
    }

    @Bean
    Route bulkRoute() {
        return Routes.resource("/v1/increments")
                .on(HttpMethod.POST, Action.WRITE, BulkAnswers.TYPES, this::increment)
                .build();
    }

    /** Chooses the scope before it reads the body, so that all lines of a shard have one. */
    private Mono<ServerResponse> increment(ServerRequest request) {
        IdempotencyKey own = IdempotencyKeys.of(request, Caller.of(request).scope(IdempotencyKey.INCREMENTS));
        return scopes.chooseForLines(own, IdempotencyKey.INCREMENTS).flatMap(keys -> increment(request, keys));
    }

    private Mono<ServerResponse> increment(ServerRequest request, LineKeys keys) {
        Caller caller = Caller.of(request);
        IncrementReader reader = new IncrementReader(json, namespace -> caller.may(Action.WRITE, namespace), keys);
        if (!bodies.isStream(request)) {
            return array(request, caller, reader);
        }
        Flux<List<BulkItem<Outcome>>> lines = stream(request, caller, reader);
        return isMinimal(request) ? summary(lines) : answers.lines(Int64Form.of(request), lines);
    }

    // ---- an array: answered at once

    private Mono<ServerResponse> array(ServerRequest request, Caller caller, IncrementReader reader) {
        return bodies.array(request, reader, items -> process(caller, items, pipeline::applyAll))
                .flatMap(items -> isMinimal(request) ? summary(Flux.just(items)) : array(Int64Form.of(request), items));
    }

    private Mono<ServerResponse> array(Int64Form form, List<BulkItem<Outcome>> items) {
        boolean replay = new BulkSummary().add(items).isReplay();
        return Routes.json(ServerResponse.ok().headers(headers -> markIf(replay, headers)), answers.array(form, items));
    }

    // ---- a stream: answered as it is applied

    private Flux<List<BulkItem<Outcome>>> stream(ServerRequest request, Caller caller, IncrementReader reader) {
        return Flux.defer(() -> {
            Function<List<Command>, Mono<List<Outcome>>> apply = pipeline.stream();
            return bodies.lines(request, reader, block -> process(caller, block, apply));
        });
    }

    // ---- both

    private Mono<List<BulkItem<Outcome>>> process(
            Caller caller, List<BulkItem<Command>> items, Function<List<Command>, Mono<List<Outcome>>> apply) {
        return BulkItem.process(items, apply).doOnNext(done -> {
            BulkItem.categories(done, Outcome::category)
                    .forEach((category, count) -> lines.of(category).increment((double) count));
            long forbidden = BulkItem.forbidden(done);
            if (forbidden > 0) {
                caller.observer().forbidden(caller, Action.WRITE, forbidden);
            }
        });
    }

    static void write(Outcome outcome, JsonGenerator generator) {
        switch (outcome) {
            case Incremented incremented -> write(incremented, generator);
            case IncrementedAtMost atMost -> {
                write(atMost.applied(), generator);
                generator.writeNumberProperty("delta", atMost.applied().delta());
            }
            case Replayed replayed -> {
                write(replayed.original(), generator);
                generator.writeBooleanProperty("replayed", true);
            }
            default -> BulkAnswers.problem(Problems.problem(outcome), generator);
        }
    }

    private static void write(Incremented incremented, JsonGenerator generator) {
        generator.writeNumberProperty("value", incremented.value());
        generator.writeNumberProperty("version", incremented.version());
    }

    private Mono<ServerResponse> summary(Flux<List<BulkItem<Outcome>>> items) {
        return items.reduceWith(BulkSummary::new, BulkSummary::add).flatMap(BulkRoutes::summary);
    }

    private static Mono<ServerResponse> summary(BulkSummary summary) {
        ProblemDetail incomplete = summary.incomplete();
        return incomplete != null
                ? Problems.answer(incomplete)
                : Routes.json(
                        ServerResponse.ok()
                                .headers(headers -> Preferences.applied(headers, RETURN, MINIMAL))
                                .headers(headers -> markIf(summary.isReplay(), headers)),
                        summary.view());
    }

    private static void markIf(boolean replay, HttpHeaders headers) {
        if (replay) {
            IdempotencyKeys.markReplayed(headers);
        }
    }

    /** The preference of RFC 7240, section 4.2. */
    private static boolean isMinimal(ServerRequest request) {
        return Preferences.of(request).has(RETURN, MINIMAL);
    }
}
