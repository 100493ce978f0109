package io.tally.name;

import io.micrometer.core.instrument.MeterRegistry;
import io.tally.bulk.BulkAnswers;
import io.tally.bulk.BulkBodies;
import io.tally.bulk.BulkItem;
import io.tally.bulk.BulkItem.Valid;
import io.tally.counter.IdempotencyKey;
import io.tally.counter.Naming;
import io.tally.counter.Outcome;
import io.tally.counter.OutcomeCategory;
import io.tally.http.Action;
import io.tally.http.Bodies;
import io.tally.http.IdempotencyKeys;
import io.tally.http.Int64Form;
import io.tally.http.OperationCounters;
import io.tally.http.ProblemException;
import io.tally.http.ProblemType;
import io.tally.http.Problems;
import io.tally.http.RequestPath;
import io.tally.http.RequestQuery;
import io.tally.http.ResponseJson;
import io.tally.http.Routes;
import io.tally.http.Routes.Route;
import io.tally.name.NameResult.Failure;
import io.tally.name.NameResult.Success;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.HttpMethod;
import org.springframework.web.reactive.function.server.ServerRequest;
import org.springframework.web.reactive.function.server.ServerResponse;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import tools.jackson.core.JsonGenerator;
import tools.jackson.databind.json.JsonMapper;

/** Ids of names: get-or-create in bulk, and reads of one name. */
@Configuration(proxyBeanMethods = false)
class NameRoutes {

    private static final String NAMESPACE = "/v1/names/{namespace}";
    private static final String NAME = NAMESPACE + "/{name}";

    private final Names names;
    private final BulkBodies bodies;
    private final OperationCounters counters;
    private final JsonMapper json;
    private final BulkAnswers<NameResult> answers;

    NameRoutes(Names names, BulkBodies bodies, MeterRegistry registry, JsonMapper json, ResponseJson responseJson) {
        this.names = names;
        this.bodies = bodies;
        this.counters = new OperationCounters(registry, "name");
        this.json = json;
        this.answers = new BulkAnswers<>(responseJson, NameRoutes::write);
    }

    /** A name that exists. */
    record NameView(String name, long id) {

        static NameView of(StoredName stored) {
            return new NameView(stored.name(), stored.id());
        }
    }

    @Bean
    Route namesRoute() {
        return Routes.resource(NAMESPACE)
                .on(HttpMethod.POST, Action.WRITE, BulkAnswers.TYPES, this::getOrCreate, "fold")
                .on(HttpMethod.GET, Action.READ, request -> answer(names.find(namespace(request), id(request))), "id")
                .build();
    }

    @Bean
    Route nameRoute() {
        return Routes.resource(NAME)
                .on(HttpMethod.GET, Action.READ, request -> answer(names.find(key(request))), "fold")
                .build();
    }

    // ---- one name

    private static Mono<ServerResponse> answer(Mono<StoredName> found) {
        return found.flatMap(stored -> Routes.json(ServerResponse.ok(), NameView.of(stored)))
                .switchIfEmpty(Mono.defer(
                        () -> Problems.answer(Problems.problem(ProblemType.NOT_FOUND, "The name does not exist."))));
    }

    // ---- bulk

    private Mono<ServerResponse> getOrCreate(ServerRequest request) {
        String namespace = namespace(request);
        IdempotencyKey key = IdempotencyKeys.of(request, namespace);
        NameReader reader = new NameReader(json, namespace, isFolded(request), key);
        return bodies.isStream(request)
                ? answers.lines(Int64Form.of(request), Flux.defer(() -> stream(request, reader)))
                : bodies.array(request, reader, items -> process(items, names::getOrCreate))
                        .flatMap(items -> array(Int64Form.of(request), items));
    }

    private Flux<List<BulkItem<NameResult>>> stream(ServerRequest request, NameReader reader) {
        Function<List<NameRequest>, Mono<List<NameResult>>> getOrCreate = names.stream();
        return bodies.lines(request, reader, block -> process(block, getOrCreate));
    }

    private Mono<List<BulkItem<NameResult>>> process(
            List<BulkItem<NameRequest>> items, Function<List<NameRequest>, Mono<List<NameResult>>> getOrCreate) {
        return BulkItem.process(items, getOrCreate)
                .doOnNext(
                        done -> BulkItem.categories(done, NameResult::category).forEach(counters::count));
    }

    /** If no name has an id because of load or the database, the whole response is that problem. */
    private Mono<ServerResponse> array(Int64Form form, List<BulkItem<NameResult>> items) {
        Outcome failure = failure(items);
        return failure == null ? Routes.list(answers.array(form, items)) : Problems.answer(failure);
    }

    private static @Nullable Outcome failure(List<BulkItem<NameResult>> items) {
        Outcome refusal = null;
        for (BulkItem<NameResult> item : items) {
            NameResult result = item instanceof Valid<NameResult> valid ? valid.value() : null;
            if (result instanceof Success) {
                return null;
            }
            if (result instanceof Failure failure
                    && (failure.category() == OutcomeCategory.FAILED
                            || (failure.category() == OutcomeCategory.REFUSED && refusal == null))) {
                refusal = failure.cause();
            }
        }
        return refusal;
    }

    private static void write(NameResult result, JsonGenerator generator) {
        switch (result) {
            case Success success -> {
                generator.writeStringProperty("name", success.name());
                generator.writeNumberProperty("id", success.id());
                generator.writeBooleanProperty("created", success.created());
            }
            case Failure failure -> BulkAnswers.problem(Problems.problem(failure.cause()), generator);
        }
    }

    // ---- parameters

    private static String namespace(ServerRequest request) {
        return Bodies.checked(() -> Naming.requireNamespace(RequestPath.segment(request, 2)));
    }

    private static NameKey key(ServerRequest request) {
        boolean folded = isFolded(request);
        return Bodies.checked(
                () -> NameKey.of(RequestPath.segment(request, 2), RequestPath.segment(request, 3), folded));
    }

    private static boolean isFolded(ServerRequest request) {
        List<String> folds = RequestQuery.values(request, "fold");
        if (folds.isEmpty()) {
            return false;
        }
        if (!folds.equals(List.of("lower"))) {
            throw Bodies.malformed("'fold' must be lower.");
        }
        return true;
    }

    private static long id(ServerRequest request) {
        List<String> ids = RequestQuery.values(request, "id");
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
        return Bodies.malformed("'id' must be a positive 64-bit integer.");
    }
}
