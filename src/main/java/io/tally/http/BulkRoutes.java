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
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.DataBufferUtils;
import org.springframework.core.io.buffer.DefaultDataBufferFactory;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpMethod;
import org.springframework.http.MediaType;
import org.springframework.web.reactive.function.BodyExtractors;
import org.springframework.web.reactive.function.BodyInserters;
import org.springframework.web.reactive.function.server.RouterFunction;
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
        IncrementItems items = new IncrementItems(json, IdempotencyKeys.of(request, IdempotencyKey.ANY_NAMESPACE));
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
        return DataBufferUtils.join(body(request), (int) limits.arrayBytesMax().toBytes())
                .map(BulkRoutes::bytes)
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

    private static Flux<List<IncrementItem>> blocks(ServerRequest request, Lines lines) {
        return body(request)
                .concatMapIterable(lines::blocks, 1)
                .concatWith(Flux.defer(() -> Flux.fromIterable(lines.last())));
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
        return answered.reduceWith(BulkSummary::new, BulkSummary::add)
                .flatMap(summary -> Routes.json(
                        ServerResponse.ok()
                                .header("Preference-Applied", MINIMAL)
                                .headers(headers -> markIf(summary.isReplay(), headers)),
                        summary.view()));
    }

    private void measure(List<Answered> answered) {
        Map<Verdict, Long> counts = new EnumMap<>(Verdict.class);
        answered.forEach(answer -> counts.merge(BulkSummary.verdict(answer), 1L, Long::sum));
        counts.forEach(metrics::lines);
    }

    private static void markIf(boolean replay, HttpHeaders headers) {
        if (replay) {
            IdempotencyKeys.markReplayed(headers);
        }
    }

    private static Flux<DataBuffer> body(ServerRequest request) {
        return request.body(BodyExtractors.toDataBuffers());
    }

    private static byte[] bytes(DataBuffer buffer) {
        byte[] bytes = new byte[buffer.readableByteCount()];
        buffer.read(bytes);
        DataBufferUtils.release(buffer);
        return bytes;
    }

    /** The preference of RFC 7240, section 4.2. */
    private static boolean isMinimal(ServerRequest request) {
        return request.headers().header("Prefer").stream()
                .flatMap(value -> List.of(value.split(",")).stream())
                .map(preference -> preference.replace(" ", "").replace("\"", ""))
                .anyMatch(MINIMAL::equalsIgnoreCase);
    }
}
