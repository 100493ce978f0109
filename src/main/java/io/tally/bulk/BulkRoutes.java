package io.tally.bulk;

import io.tally.bulk.IncrementItem.Answered;
import io.tally.counter.Command;
import io.tally.counter.IdempotencyKey;
import io.tally.counter.Outcome;
import io.tally.counter.Outcome.Verdict;
import io.tally.http.IdempotencyKeys;
import io.tally.http.Preconditions;
import io.tally.http.Problems;
import io.tally.http.Routes;
import io.tally.http.Routes.Route;
import io.tally.pipeline.CounterPipeline;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpMethod;
import org.springframework.http.MediaType;
import org.springframework.http.ProblemDetail;
import org.springframework.web.reactive.function.server.ServerRequest;
import org.springframework.web.reactive.function.server.ServerResponse;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import tools.jackson.databind.json.JsonMapper;

/** Many increments in one request, each for itself: an array, or a stream of lines of any length. */
@Configuration(proxyBeanMethods = false)
class BulkRoutes {

    private static final String MINIMAL = "return=minimal";

    private final CounterPipeline pipeline;
    private final BulkBodies bodies;
    private final BulkMetrics metrics;
    private final JsonMapper json;
    private final BulkAnswers<Answered> answers;

    BulkRoutes(CounterPipeline pipeline, BulkBodies bodies, BulkMetrics metrics, JsonMapper json) {
        this.pipeline = pipeline;
        this.bodies = bodies;
        this.metrics = metrics;
        this.json = json;
        this.answers = new BulkAnswers<>(json, ItemAnswers::write);
    }

    @Bean
    Route bulkRoute() {
        return Routes.resource("/v1/increments", MediaType.APPLICATION_JSON, MediaType.APPLICATION_NDJSON)
                .on(HttpMethod.POST, this::increment)
                .build();
    }

    private Mono<ServerResponse> increment(ServerRequest request) {
        Preconditions.requireNone(request);
        IncrementItems items = new IncrementItems(json, IdempotencyKeys.of(request, IdempotencyKey.INCREMENTS));
        if (!bodies.isStream(request)) {
            return array(request, items);
        }
        return isMinimal(request) ? summary(stream(request, items)) : answers.lines(stream(request, items));
    }

    // ---- an array: answered at once

    private Mono<ServerResponse> array(ServerRequest request, IncrementItems items) {
        return bodies.array(request)
                .map(items::array)
                .flatMap(read -> answered(read, pipeline::applyAll))
                .flatMap(answered -> isMinimal(request) ? summary(Flux.just(answered)) : array(answered));
    }

    private Mono<ServerResponse> array(List<Answered> answered) {
        boolean replay = new BulkSummary().add(answered).isReplay();
        return answers.array(ServerResponse.ok().headers(headers -> markIf(replay, headers)), answered);
    }

    // ---- a stream: answered as it is applied

    private Flux<List<Answered>> stream(ServerRequest request, IncrementItems items) {
        return Flux.defer(() -> {
            Function<List<Command>, Mono<List<Outcome>>> apply = pipeline.stream();
            return bodies.lines(request, items, block -> answered(block, apply));
        });
    }

    // ---- both

    private Mono<List<Answered>> answered(
            List<IncrementItem> items, Function<List<Command>, Mono<List<Outcome>>> apply) {
        return apply.apply(IncrementItem.commands(items))
                .map(outcomes -> IncrementItem.answered(items, outcomes))
                .doOnNext(this::measure);
    }

    private Mono<ServerResponse> summary(Flux<List<Answered>> answered) {
        return answered.reduceWith(BulkSummary::new, BulkSummary::add).flatMap(BulkRoutes::summary);
    }

    private static Mono<ServerResponse> summary(BulkSummary summary) {
        ProblemDetail incomplete = summary.incomplete();
        return incomplete != null
                ? Problems.answer(incomplete)
                : Routes.json(
                        ServerResponse.ok()
                                .header("Preference-Applied", MINIMAL)
                                .headers(headers -> markIf(summary.isReplay(), headers)),
                        summary.view());
    }

    private void measure(List<Answered> answered) {
        Map<Verdict, Long> counts = new EnumMap<>(Verdict.class);
        for (Answered answer : answered) {
            if (!answer.item().isEnd()) {
                counts.merge(BulkSummary.verdict(answer), 1L, Long::sum);
            }
        }
        counts.forEach(metrics::lines);
    }

    private static void markIf(boolean replay, HttpHeaders headers) {
        if (replay) {
            IdempotencyKeys.markReplayed(headers);
        }
    }

    /** The preference of RFC 7240, section 4.2. */
    private static boolean isMinimal(ServerRequest request) {
        return request.headers().header("Prefer").stream()
                .flatMap(value -> List.of(value.split(",")).stream())
                .map(preference -> preference.replace(" ", "").replace("\"", ""))
                .anyMatch(MINIMAL::equalsIgnoreCase);
    }
}
