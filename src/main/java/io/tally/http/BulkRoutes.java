package io.tally.http;

import io.tally.counter.Command;
import io.tally.counter.IdempotencyKey;
import io.tally.counter.Outcome;
import io.tally.counter.Outcome.Verdict;
import io.tally.http.IncrementItem.Answered;
import io.tally.pipeline.CounterPipeline;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.event.ContextClosedEvent;
import org.springframework.context.event.EventListener;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.DataBufferUtils;
import org.springframework.core.io.buffer.DefaultDataBufferFactory;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpMethod;
import org.springframework.http.MediaType;
import org.springframework.http.ProblemDetail;
import org.springframework.web.reactive.function.BodyInserters;
import org.springframework.web.reactive.function.server.RouterFunction;
import org.springframework.web.reactive.function.server.ServerRequest;
import org.springframework.web.reactive.function.server.ServerResponse;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import tools.jackson.databind.json.JsonMapper;

/** Many increments in one request, each for itself: an array, or a stream of lines of any length. */
@Configuration(proxyBeanMethods = false)
class BulkRoutes {

    private static final String MINIMAL = "return=minimal";

    private static final Logger log = LoggerFactory.getLogger(BulkRoutes.class);

    private final Sinks.Empty<DataBuffer> stopping = Sinks.empty();
    private final CounterPipeline pipeline;
    private final HttpProperties limits;
    private final BulkMetrics metrics;
    private final JsonMapper json;
    private final ItemAnswers answers;

    BulkRoutes(CounterPipeline pipeline, HttpProperties limits, BulkMetrics metrics, JsonMapper json) {
        this.pipeline = pipeline;
        this.limits = limits;
        this.metrics = metrics;
        this.json = json;
        this.answers = new ItemAnswers(json);
    }

    @Bean
    RouterFunction<ServerResponse> bulkRouter() {
        return Routes.resource("/v1/increments", MediaType.APPLICATION_JSON, MediaType.APPLICATION_NDJSON)
                .on(HttpMethod.POST, this::increment)
                .build();
    }

    private Mono<ServerResponse> increment(ServerRequest request) {
        Preconditions.requireNone(request);
        IncrementItems items = new IncrementItems(json, IdempotencyKeys.of(request, IdempotencyKey.INCREMENTS));
        MediaType type = request.headers().contentType().orElse(MediaType.APPLICATION_OCTET_STREAM);
        if (MediaType.APPLICATION_JSON.equalsTypeAndSubtype(type)) {
            return array(request, items);
        }
        if (MediaType.APPLICATION_NDJSON.equalsTypeAndSubtype(type)) {
            return isMinimal(request) ? summary(stream(request, items)) : lines(stream(request, items));
        }
        throw new ProblemException(
                ProblemType.UNSUPPORTED_MEDIA_TYPE, "Send application/json or application/x-ndjson.");
    }

    // ---- an array: answered at once

    private Mono<ServerResponse> array(ServerRequest request, IncrementItems items) {
        return Bodies.bytes(request, limits.arrayBytesMax())
                .switchIfEmpty(Mono.error(Bodies::missing))
                .map(items::array)
                .flatMap(read -> answered(read, pipeline::applyAll))
                .flatMap(answered -> isMinimal(request) ? summary(Flux.just(answered)) : array(answered));
    }

    private Mono<ServerResponse> array(List<Answered> answered) {
        boolean replay = new BulkSummary().add(answered).isReplay();
        return ServerResponse.ok()
                .contentType(MediaType.APPLICATION_JSON)
                .headers(headers -> markIf(replay, headers))
                .bodyValue(answers.array(answered));
    }

    // ---- a stream: answered as it is applied

    private Flux<List<Answered>> stream(ServerRequest request, IncrementItems items) {
        return Flux.defer(() -> blocks(
                        request, new Lines(items, (int) limits.lineBytesMax().toBytes())))
                .flatMapSequential(block -> answered(block, pipeline::applyAllPatiently), limits.streamPiecesMax(), 1);
    }

    private Flux<List<IncrementItem>> blocks(ServerRequest request, Lines lines) {
        return Bodies.buffers(request)
                .takeUntilOther(stopping.asMono())
                // What arrived before is applied and answered all the same.
                .doOnError(failure -> lines.breakOff(incomplete(failure)))
                .onErrorComplete()
                .doOnDiscard(DataBuffer.class, DataBufferUtils::release)
                .concatMapIterable(lines::blocks, 1)
                .concatWith(Flux.defer(() -> Flux.fromIterable(lines.last())));
    }

    private static ProblemDetail incomplete(Throwable failure) {
        log.debug("A stream broke off: {}", failure.toString());
        return Problems.problem(
                ProblemType.STREAM_INCOMPLETE,
                failure instanceof ProblemException known
                        ? String.valueOf(known.problem().getTitle()) + "."
                        : "The rest of the stream did not arrive.");
    }

    /** Streams may last for hours: this ends them, so that nobody waits for them. */
    @EventListener(ContextClosedEvent.class)
    void stop() {
        stopping.tryEmitError(new ProblemException(ProblemType.STORE_UNAVAILABLE, "This instance is stopping."));
    }

    private Mono<ServerResponse> lines(Flux<List<Answered>> answered) {
        return ServerResponse.ok()
                .contentType(MediaType.APPLICATION_NDJSON)
                .body(BodyInserters.fromDataBuffers(
                        answered.map(answers::lines).map(DefaultDataBufferFactory.sharedInstance::wrap)));
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
