package io.tally.name;

import io.tally.bulk.BulkAnswers;
import io.tally.bulk.BulkBodies;
import io.tally.counter.IdempotencyKey;
import io.tally.counter.Naming;
import io.tally.counter.Outcome;
import io.tally.counter.Outcome.Verdict;
import io.tally.http.Bodies;
import io.tally.http.FeatureMetrics;
import io.tally.http.FeatureMetrics.Feature;
import io.tally.http.IdempotencyKeys;
import io.tally.http.ProblemException;
import io.tally.http.ProblemType;
import io.tally.http.Problems;
import io.tally.http.RequestPath;
import io.tally.http.Routes;
import io.tally.http.Routes.Route;
import io.tally.name.NameAnswer.Named;
import io.tally.name.NameAnswer.Unnamed;
import io.tally.name.NameItem.Answered;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.HttpMethod;
import org.springframework.http.MediaType;
import org.springframework.http.ProblemDetail;
import org.springframework.web.reactive.function.server.ServerRequest;
import org.springframework.web.reactive.function.server.ServerResponse;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import tools.jackson.core.JsonGenerator;
import tools.jackson.databind.json.JsonMapper;

/** Ids for names: many at once, got or made; and the look at one that exists. */
@Configuration(proxyBeanMethods = false)
class NameRoutes {

    private static final String NAMESPACE = "/v1/names/{namespace}";
    private static final String NAME = NAMESPACE + "/{name}";

    private final Names names;
    private final BulkBodies bodies;
    private final FeatureMetrics metrics;
    private final JsonMapper json;
    private final BulkAnswers<Answered> answers;

    NameRoutes(Names names, BulkBodies bodies, FeatureMetrics metrics, JsonMapper json) {
        this.names = names;
        this.bodies = bodies;
        this.metrics = metrics;
        this.json = json;
        this.answers = new BulkAnswers<>(json, NameRoutes::write);
    }

    /** A name that exists. */
    record NameView(String name, long id) {

        static NameView of(Known known) {
            return new NameView(known.name(), known.id());
        }
    }

    @Bean
    Route namesRoute() {
        return Routes.resource(NAMESPACE, MediaType.APPLICATION_JSON, MediaType.APPLICATION_NDJSON)
                .on(HttpMethod.POST, this::getOrMake)
                .on(HttpMethod.GET, request -> answer(names.find(namespace(request), id(request))))
                .build();
    }

    @Bean
    Route nameRoute() {
        return Routes.resource(NAME)
                .on(HttpMethod.GET, request -> answer(names.find(key(request))))
                .build();
    }

    // ---- one that exists

    private static Mono<ServerResponse> answer(Mono<Known> found) {
        return found.flatMap(known -> Routes.json(ServerResponse.ok(), NameView.of(known)))
                .switchIfEmpty(Mono.defer(
                        () -> Problems.answer(Problems.problem(ProblemType.NOT_FOUND, "There is no such name."))));
    }

    // ---- many

    private Mono<ServerResponse> getOrMake(ServerRequest request) {
        String namespace = namespace(request);
        IdempotencyKey key = IdempotencyKeys.of(request, namespace);
        NameItems items = new NameItems(json, namespace, isFolded(request), key);
        return bodies.isStream(request)
                ? answers.lines(Flux.defer(() -> stream(request, items)))
                : bodies.array(request)
                        .map(items::array)
                        .flatMap(read -> answered(read, names::getOrMake))
                        .flatMap(this::array);
    }

    private Flux<List<Answered>> stream(ServerRequest request, NameItems items) {
        Function<List<Wanted>, Mono<List<NameAnswer>>> getOrMake = names.stream();
        return bodies.lines(request, items, block -> answered(block, getOrMake));
    }

    private Mono<List<Answered>> answered(
            List<NameItem> items, Function<List<Wanted>, Mono<List<NameAnswer>>> getOrMake) {
        return getOrMake
                .apply(NameItem.wanted(items))
                .map(given -> NameItem.answered(items, given))
                .doOnNext(this::measure);
    }

    private void measure(List<Answered> answered) {
        Map<Verdict, Long> counts = new EnumMap<>(Verdict.class);
        for (Answered answer : answered) {
            if (!answer.item().isEnd()) {
                counts.merge(answer.verdict(), 1L, Long::sum);
            }
        }
        counts.forEach((verdict, count) -> metrics.recordOutcome(Feature.NAME, verdict, count));
    }

    /** Where no name was got because of load or the database, that is the answer to all of the request. */
    private Mono<ServerResponse> array(List<Answered> answered) {
        Outcome refusal = refusal(answered);
        return refusal == null ? answers.array(ServerResponse.ok(), answered) : Problems.answer(refusal);
    }

    private static @Nullable Outcome refusal(List<Answered> answered) {
        Outcome refusal = null;
        for (Answered answer : answered) {
            if (answer.answer() instanceof Named) {
                return null;
            }
            if (answer.answer() instanceof Unnamed unnamed
                    && (unnamed.verdict() == Verdict.FAILED
                            || (unnamed.verdict() == Verdict.REFUSED && refusal == null))) {
                refusal = unnamed.why();
            }
        }
        return refusal;
    }

    private static void write(Answered answered, JsonGenerator generator) {
        if (answered.answer() instanceof Named named) {
            generator.writeStringProperty("name", named.name());
            generator.writeNumberProperty("id", named.id());
            generator.writeBooleanProperty("created", named.created());
        } else {
            BulkAnswers.problem(problem(answered), generator);
        }
    }

    private static ProblemDetail problem(Answered answered) {
        ProblemDetail malformed = answered.item().problem();
        if (malformed != null) {
            return malformed;
        }
        if (answered.answer() instanceof Unnamed unnamed) {
            return Problems.problem(unnamed.why());
        }
        throw new IllegalArgumentException("neither answered nor refused: " + answered);
    }

    // ---- what a request asks for

    private static String namespace(ServerRequest request) {
        return Bodies.checked(() -> Naming.requireNamespace(RequestPath.segment(request, 2)));
    }

    private static NameKey key(ServerRequest request) {
        boolean folded = isFolded(request);
        return Bodies.checked(
                () -> NameKey.of(RequestPath.segment(request, 2), RequestPath.segment(request, 3), folded));
    }

    private static boolean isFolded(ServerRequest request) {
        List<String> folds = request.queryParams().getOrDefault("fold", List.of());
        if (folds.isEmpty()) {
            return false;
        }
        if (!folds.equals(List.of("lower"))) {
            throw Bodies.malformed("'fold' is lower.");
        }
        return true;
    }

    private static long id(ServerRequest request) {
        List<String> ids = request.queryParams().getOrDefault("id", List.of());
        // 64 bits have 19 digits.
        if (ids.size() != 1 || !ids.getFirst().matches("[1-9][0-9]{0,18}")) {
            throw badId();
        }
        try {
            return Long.parseLong(ids.getFirst());
        } catch (NumberFormatException tooGreat) {
            throw badId();
        }
    }

    private static ProblemException badId() {
        return Bodies.malformed("'id' is a whole number from 1, of 64 bits.");
    }
}
