package io.tally.http.server;

import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.DefaultHttpHeadersFactory;
import io.netty.handler.codec.http.EmptyHttpHeaders;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
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
import io.tally.http.Caller;
import io.tally.http.CounterPath;
import io.tally.http.CounterRoutes;
import io.tally.http.Failures;
import io.tally.http.IdempotencyKeys;
import io.tally.http.IncrementRequest;
import io.tally.http.ProblemException;
import io.tally.http.Problems;
import io.tally.http.server.RequestGate.Decision;
import io.tally.pipeline.CounterPipeline;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.reactor.netty.autoconfigure.NettyServerProperties;
import org.springframework.context.annotation.Profile;
import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;
import org.springframework.stereotype.Component;
import reactor.core.publisher.Mono;
import reactor.netty.http.server.HttpServer;
import tools.jackson.databind.json.JsonMapper;

/**
 * Handles {@linkplain PlainIncrement plain} increments right behind the HTTP codec, without Reactor Netty's operations
 * and Spring's dispatcher (decision 23). The dispatcher and {@link CounterRoutes} handle all other requests. Both give
 * the same responses.
 *
 * <p>The dispatcher creates the spans, so with tracing it handles all requests.
 */
@Component
@Profile("!tracing")
final class DirectIncrements {

    private final RequestGate gate;
    private final CounterPipeline pipeline;
    private final JsonMapper json;
    private final RequestMetrics metrics;
    private final @Nullable Duration idleTimeout;

    DirectIncrements(
            RequestGate gate,
            CounterPipeline pipeline,
            JsonMapper json,
            RequestMetrics metrics,
            NettyServerProperties server) {
        this.gate = gate;
        this.pipeline = pipeline;
        this.json = json;
        this.metrics = metrics;
        Duration timeout = server.getIdleTimeout();
        // Netty never closes an idle connection if the time-out is zero.
        this.idleTimeout = timeout != null && timeout.isPositive() ? timeout : null;
    }

    /** The same server, whose connections handle plain increments themselves. */
    HttpServer of(HttpServer server) {
        return server.doOnChannelInit((observer, channel, address) -> channel.pipeline()
                .addAfter(
                        RequestTimeoutHandler.NAME,
                        DirectIncrementHandler.NAME,
                        new DirectIncrementHandler(this, idleTimeout)));
    }

    /** The head of a plain increment whose caller has a grant for it. */
    record Head(Caller caller, CounterId counter, @Nullable IdempotencyKey key) {}

    Decision decide(HttpRequest request) {
        // The target of a plain increment is its path.
        return gate.decide(request.protocolVersion(), request.method(), request.uri(), request.headers());
    }

    /**
     * Checks what can be checked without the body.
     *
     * @throws ProblemException if the head is malformed, or the caller has no grant
     */
    Head head(HttpRequest request, Granted access) {
        CounterId counter = PlainIncrement.counter(request.uri());
        access.caller().requireAny(IncrementRequest.ACTIONS, counter.namespace());
        return new Head(
                access.caller(),
                counter,
                IdempotencyKeys.of(request.headers().getAll(IdempotencyKeys.HEADER), counter.namespace()));
    }

    /**
     * The outcome of an increment. It enters on subscription; cancelling does not withdraw it.
     *
     * @param body empty for an increment without a body
     * @throws ProblemException if the body is malformed, or the caller has no grant
     */
    Mono<Outcome> outcome(Head head, byte[] body) {
        IncrementBody increment = body.length == 0 ? IncrementBody.ONE : IncrementBody.of(Bodies.json(json, body));
        return CounterRoutes.increment(head.caller(), head.counter(), Precondition.NONE, head.key(), increment)
                .outcome(pipeline);
    }

    /**
     * The response of an outcome.
     *
     * @param fields further header fields
     */
    FullHttpResponse response(Outcome outcome, HttpHeaders fields) {
        return response(outcome, headers(fields));
    }

    private FullHttpResponse response(Outcome outcome, io.netty.handler.codec.http.HttpHeaders headers) {
        return switch (outcome) {
            case Incremented incremented ->
                ok(headers.set(HttpHeaders.ETAG, Answers.tag(incremented.version())), IncrementView.of(incremented));
            case IncrementedAtMost atMost -> response(atMost.applied(), headers);
            case Replayed replayed -> response(replayed.original(), headers.set(IdempotencyKeys.REPLAYED, "true"));
            case DryRun dryRun -> ok(headers, DryRunView.of(dryRun));
            default -> throw new ProblemException(Problems.problem(outcome));
        };
    }

    private FullHttpResponse ok(io.netty.handler.codec.http.HttpHeaders headers, Object view) {
        return response(
                HttpResponseStatus.OK, headers.set(HttpHeaders.CONTENT_TYPE, MediaType.APPLICATION_JSON_VALUE), view);
    }

    /** The response of a failure, with a problem. */
    FullHttpResponse response(Throwable failure, String requestId, HttpRequest request, HttpHeaders fields) {
        ProblemException refusal = Failures.problem(failure, requestId, () -> request.method() + " " + request.uri());
        io.netty.handler.codec.http.HttpHeaders headers = headers(fields);
        Problems.fields(refusal, requestId).forEach(headers::set);
        return response(HttpResponseStatus.valueOf(refusal.problem().getStatus()), headers, refusal.problem());
    }

    private static io.netty.handler.codec.http.HttpHeaders headers(HttpHeaders fields) {
        var headers = DefaultHttpHeadersFactory.headersFactory().newHeaders();
        fields.forEach(headers::set);
        return headers;
    }

    private FullHttpResponse response(
            HttpResponseStatus status, io.netty.handler.codec.http.HttpHeaders headers, Object body) {
        byte[] bytes = json.writeValueAsBytes(body);
        return new DefaultFullHttpResponse(
                HttpVersion.HTTP_1_1,
                status,
                Unpooled.wrappedBuffer(bytes),
                headers.setInt(HttpHeaders.CONTENT_LENGTH, bytes.length),
                EmptyHttpHeaders.INSTANCE);
    }

    /** Records a response that was sent. */
    void sent(HttpRequest request, HttpResponseStatus status, long nanos) {
        metrics.answered(request.method().name(), CounterPath.INCREMENTS, status.code(), nanos);
    }
}
