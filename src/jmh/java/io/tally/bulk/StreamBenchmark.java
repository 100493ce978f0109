package io.tally.bulk;

import io.tally.counter.Command;
import io.tally.counter.Outcome;
import io.tally.counter.Outcome.Incremented;
import io.tally.http.Int64Form;
import io.tally.http.ResponseJson;
import io.tally.http.server.Json;
import io.tally.idempotency.LineKeys;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;
import org.springframework.core.io.buffer.DefaultDataBufferFactory;
import org.springframework.http.codec.HttpMessageWriter;
import org.springframework.http.codec.ServerCodecConfigurer;
import org.springframework.mock.http.server.reactive.MockServerHttpRequest;
import org.springframework.mock.web.server.MockServerWebExchange;
import org.springframework.web.reactive.function.server.ServerResponse;
import org.springframework.web.reactive.result.view.ViewResolver;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import tools.jackson.databind.json.JsonMapper;

/** A piece of a stream of increments, as the network brings it: 64 KiB of lines. */
@State(Scope.Benchmark)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
public class StreamBenchmark {

    private static final int PIECE_BYTES = 64 * 1024;
    private static final int LINE_BYTES_MAX = 8 * 1024;

    private final JsonMapper json = Json.mapper();
    private final byte[] hot = piece(1);
    private final byte[] spread = piece(10_000);
    private final BulkAnswers<Outcome> answers =
            new BulkAnswers<>(new ResponseJson(json, List.of()), BulkRoutes::write);
    private final List<List<BulkItem<Command>>> items = read(hot);
    private final List<List<BulkItem<Outcome>>> done = process();

    private static byte[] piece(int counters) {
        StringBuilder lines = new StringBuilder();
        for (int i = 0; lines.length() < PIECE_BYTES; i++) {
            lines.append("{\"namespace\":\"bench\",\"name\":\"counter-")
                    .append(i % counters)
                    .append("\",\"delta\":1}\n");
        }
        // The last line goes on in the next piece.
        lines.setLength(PIECE_BYTES);
        return lines.toString().getBytes(StandardCharsets.UTF_8);
    }

    private List<List<BulkItem<Command>>> read(byte[] piece) {
        Lines<Command> lines = new Lines<>(new IncrementReader(json, namespace -> true, LineKeys.NONE), LINE_BYTES_MAX);
        return lines.blocks(DefaultDataBufferFactory.sharedInstance.wrap(piece));
    }

    private List<List<BulkItem<Outcome>>> process() {
        return Flux.fromIterable(items)
                .concatMap(block -> BulkItem.process(block, StreamBenchmark::apply))
                .collectList()
                .blockOptional()
                .orElseThrow();
    }

    private static Mono<List<Outcome>> apply(List<Command> commands) {
        return Mono.just(Collections.nCopies(commands.size(), new Incremented(1_234_567, 1_234_567, 1)));
    }

    /** Some 1,300 lines about one counter. */
    @Benchmark
    public Object readHot() {
        return read(hot);
    }

    /** Some 1,200 lines, each about another. */
    @Benchmark
    public Object readSpread() {
        return read(spread);
    }

    /** The outcomes of one piece, each in its item's place. */
    @Benchmark
    public Object processItems() {
        return process();
    }

    /** The answers to one piece. */
    @Benchmark
    public Object writeAnswers() {
        MockServerWebExchange exchange = MockServerWebExchange.from(MockServerHttpRequest.post("/v1/increments"));
        answers.lines(Int64Form.NUMBER, Flux.fromIterable(done))
                .flatMap(response -> response.writeTo(exchange, new Codecs()))
                .block();
        return exchange.getResponse();
    }

    /** What a response needs to write itself. */
    private record Codecs() implements ServerResponse.Context {

        private static final List<HttpMessageWriter<?>> WRITERS =
                ServerCodecConfigurer.create().getWriters();

        @Override
        public List<HttpMessageWriter<?>> messageWriters() {
            return WRITERS;
        }

        @Override
        public List<ViewResolver> viewResolvers() {
            return List.of();
        }
    }
}
