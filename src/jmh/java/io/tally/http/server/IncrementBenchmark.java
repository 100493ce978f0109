package io.tally.http.server;

import io.netty.handler.codec.http.DefaultHttpHeaders;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import io.tally.counter.Outcome.Incremented;
import io.tally.http.Bodies;
import io.tally.http.Bodies.IncrementBody;
import io.tally.http.Bodies.IncrementView;
import io.tally.http.RequestPath;
import java.nio.charset.StandardCharsets;
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
import tools.jackson.databind.json.JsonMapper;

/** What one increment by itself has read and written. */
@State(Scope.Benchmark)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class IncrementBenchmark {

    private final JsonMapper json = Json.mapper();
    private final byte[] body = "{\"delta\":1}".getBytes(StandardCharsets.UTF_8);

    private final HttpHeaders headers = new DefaultHttpHeaders()
            .set(HttpHeaderNames.HOST, "127.0.0.1:8080")
            .set(HttpHeaderNames.CONTENT_LENGTH, body.length)
            .set(HttpHeaderNames.CONTENT_TYPE, HttpHeaderValues.APPLICATION_JSON);

    // Not constants: the JVM would do the work once and for all.
    private long value = 1_234_567;
    private String path = "/v1/counters/shop/page-views/increments";
    private String plain = "page-views";
    private String escaped = "Z%C3%BCrich%20HB";

    /** Whether a request goes the short way. */
    @Benchmark
    public boolean recognize() {
        return PlainIncrement.isOne(HttpMethod.POST, path, headers);
    }

    /** {@code {"delta":1}}. */
    @Benchmark
    public Object readBody() {
        return IncrementBody.of(Bodies.json(json, body));
    }

    /** {@code {"value":1234568,"version":1234568,"delta":1}}. */
    @Benchmark
    public Object writeAnswer() {
        value++;
        return json.writeValueAsBytes(IncrementView.of(new Incremented(value, value, 1)));
    }

    /** A segment of a path in which nothing is escaped. */
    @Benchmark
    public Object decodePlainSegment() {
        return RequestPath.decode(plain);
    }

    /** One in which something is. */
    @Benchmark
    public Object decodeEscapedSegment() {
        return RequestPath.decode(escaped);
    }
}
