package io.tally.http.server;

import io.netty.buffer.Unpooled;
import io.tally.counter.CounterId;
import io.tally.counter.IdempotencyKey;
import io.tally.counter.Outcome;
import io.tally.counter.Outcome.DryRun;
import io.tally.counter.Outcome.Incremented;
import io.tally.counter.Outcome.IncrementedAtMost;
import io.tally.counter.Outcome.Replayed;
import io.tally.counter.Precondition;
import io.tally.http.AccessControl.Granted;
import io.tally.http.Answers;
import io.tally.http.Bodies;
import io.tally.http.Bodies.DryRunView;
import io.tally.http.Bodies.IncrementBody;
import io.tally.http.Bodies.IncrementView;
import io.tally.http.CounterPath;
import io.tally.http.CounterRoutes;
import io.tally.http.Failures;
import io.tally.http.IdempotencyKeys;
import io.tally.http.IncrementRequest;
import io.tally.http.ProblemException;
import io.tally.http.Problems;
import io.tally.http.RequestId;
import io.tally.http.server.RequestGate.Admitted;
import io.tally.http.server.RequestGate.Decision;
import io.tally.http.server.RequestGate.Refused;
import io.tally.http.server.RequestGate.Waiting;
import io.tally.pipeline.CounterPipeline;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.reactor.netty.NettyRouteProvider;
import org.springframework.context.annotation.Profile;
import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;
import org.springframework.stereotype.Component;
import reactor.core.publisher.Mono;
import reactor.netty.ByteBufFlux;
import reactor.netty.http.server.HttpServerRequest;
import reactor.netty.http.server.HttpServerResponse;
import reactor.netty.http.server.HttpServerRoutes;
import tools.jackson.databind.json.JsonMapper;

/**
 * Handles {@linkplain PlainIncrement plain} increments without Spring's dispatcher, which would double the cost of an
 * increment. The dispatcher and {@link CounterRoutes} handle all other requests. Both give the same responses.
 *
 * <p>The dispatcher creates the spans, so with tracing it handles all requests.
 */
@Component
@Profile("!tracing")
final class DirectIncrements implements NettyRouteProvider {

    private final RequestGate gate;
    private final CounterPipeline pipeline;
    private final JsonMapper json;
    private final RequestMetrics metrics;

    DirectIncrements(RequestGate gate, CounterPipeline pipeline, JsonMapper json, RequestMetrics metrics) {
        this.gate = gate;
        this.pipeline = pipeline;
        this.json = json;
        this.metrics = metrics;
    }

    @Override
    public HttpServerRoutes apply(HttpServerRoutes routes) {
        return routes.route(PlainIncrement::isOne, this::increment);
    }

    private Mono<Void> increment(HttpServerRequest request, HttpServerResponse response) {
        long startNanos = System.nanoTime();
        // The target of a plain increment is its path.
        Decision decision = gate.decide(request.version(), request.method(), request.uri(), request.requestHeaders());
        return increment(decision, request, response)
                .flatMap(increment -> increment.outcome(pipeline))
                .flatMap(outcome -> answer(response, outcome))
                .onErrorResume(failure -> answer(request, response, decision.requestId(), failure))
                .doOnSuccess(sent -> answered(request, response, System.nanoTime() - startNanos));
    }

    private Mono<IncrementRequest> increment(
            Decision decision, HttpServerRequest request, HttpServerResponse response) {
        return switch (decision) {
            case Admitted admitted -> Mono.defer(() -> increment(admitted.access(), request, response));
            case Refused refused -> Mono.error(refused.problem());
            case Waiting waiting -> waiting.decision().flatMap(decided -> increment(decided, request, response));
        };
    }

    private Mono<IncrementRequest> increment(Granted access, HttpServerRequest request, HttpServerResponse response) {
        access.fields().forEach((name, values) -> response.responseHeaders().set(name, values));
        CounterId counter = PlainIncrement.counter(request);
        access.caller().requireAny(IncrementRequest.ACTIONS, counter.namespace());
        IdempotencyKey key =
                IdempotencyKeys.of(request.requestHeaders().getAll(IdempotencyKeys.HEADER), counter.namespace());
        return body(request)
                .map(body -> CounterRoutes.increment(access.caller(), counter, Precondition.NONE, key, body));
    }

    private Mono<IncrementBody> body(HttpServerRequest request) {
        return PlainIncrement.hasBody(request)
                ? ByteBufFlux.fromInbound(InboundDemand.bounded(request.receive()))
                        .aggregate()
                        .asByteArray()
                        .map(bytes -> IncrementBody.of(Bodies.json(json, bytes)))
                        .switchIfEmpty(Mono.error(Bodies::missing))
                : Mono.just(IncrementBody.ONE);
    }

    private Mono<Void> answer(HttpServerResponse response, Outcome outcome) {
        return switch (outcome) {
            case Incremented incremented ->
                answerWith(
                        response.header(HttpHeaders.ETAG, Answers.tag(incremented.version())),
                        IncrementView.of(incremented));
            case IncrementedAtMost atMost -> answer(response, atMost.applied());
            case Replayed replayed -> answer(response.header(IdempotencyKeys.REPLAYED, "true"), replayed.original());
            case DryRun dryRun -> answerWith(response, DryRunView.of(dryRun));
            default -> Mono.error(new ProblemException(Problems.problem(outcome)));
        };
    }

    private Mono<Void> answerWith(HttpServerResponse response, Object view) {
        return send(response.header(HttpHeaders.CONTENT_TYPE, MediaType.APPLICATION_JSON_VALUE), view);
    }

    private Mono<Void> answer(
            HttpServerRequest request, HttpServerResponse response, @Nullable String sentId, Throwable failure) {
        if (response.hasSentHeaders()) {
            return Mono.error(failure);
        }
        String requestId = RequestId.of(request, sentId);
        ProblemException refusal = Failures.problem(failure, requestId, () -> request.method() + " " + request.uri());
        Problems.fields(refusal, requestId)
                .forEach((name, values) -> response.responseHeaders().set(name, values));
        return send(response.status(refusal.problem().getStatus()), refusal.problem());
    }

    private Mono<Void> send(HttpServerResponse response, Object body) {
        byte[] bytes = json.writeValueAsBytes(body);
        return response.header(HttpHeaders.CONTENT_LENGTH, Integer.toString(bytes.length))
                .sendObject(Unpooled.wrappedBuffer(bytes))
                .then();
    }

    private void answered(HttpServerRequest request, HttpServerResponse response, long nanos) {
        metrics.answered(
                request.method().name(),
                CounterPath.INCREMENTS,
                response.status().code(),
                nanos);
    }
}
