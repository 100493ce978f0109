package io.tally.bulk;

import io.tally.bulk.IncrementItem.Answered;
import io.tally.counter.Outcome;
import io.tally.counter.Outcome.Incremented;
import io.tally.http.server.Json;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
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
    private final BulkAnswers<Answered> answers = new BulkAnswers<>(json, ItemAnswers::write);
    private final List<List<Answered>> answered = answered();

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

    private List<List<Answered>> answered() {
        List<List<Answered>> blocks = new ArrayList<>();
        long value = 1_234_567;
        for (List<IncrementItem> items : read(hot)) {
            List<Outcome> outcomes = new ArrayList<>();
            for (int i = 0; i < items.size(); i++) {
                value++;
                outcomes.add(new Incremented(value, value, 1));
            }
            blocks.add(IncrementItem.answered(items, outcomes));
        }
        return blocks;
    }

    private List<List<IncrementItem>> read(byte[] piece) {
        Lines<IncrementItem> lines = new Lines<>(new IncrementItems(json, null), LINE_BYTES_MAX);
        return lines.blocks(DefaultDataBufferFactory.sharedInstance.wrap(piece));
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

    /** The answers to one piece. */
    @Benchmark
    public Object writeAnswers() {
        MockServerWebExchange exchange = MockServerWebExchange.from(MockServerHttpRequest.post("/v1/increments"));
        answers.lines(Flux.fromIterable(answered))
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
