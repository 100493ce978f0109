package io.tally.bulk;

import io.tally.http.Bodies;
import io.tally.http.BufferedBodies;
import io.tally.http.Caller;
import io.tally.http.HttpProperties;
import io.tally.http.ProblemException;
import io.tally.http.ProblemType;
import io.tally.http.Problems;
import io.tally.http.RequestId;
import java.util.List;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.event.ContextClosedEvent;
import org.springframework.context.event.EventListener;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.DataBufferUtils;
import org.springframework.http.ProblemDetail;
import org.springframework.http.server.reactive.ServerHttpRequest;
import org.springframework.stereotype.Component;
import org.springframework.web.reactive.function.server.ServerRequest;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/** Bodies with many items: an array, or a stream of lines of any length. Safe for use by many threads. */
@Component
public final class BulkBodies {

    private static final Logger log = LoggerFactory.getLogger(BulkBodies.class);

    private final Sinks.Empty<DataBuffer> stopping = Sinks.empty();
    private final BufferedBodies buffered;
    private final HttpProperties limits;

    BulkBodies(BufferedBodies buffered, HttpProperties limits) {
        this.buffered = buffered;
        this.limits = limits;
    }

    /** Whether a body is a stream of lines, and not an array. */
    public boolean isStream(ServerRequest request) {
        return Bodies.LINES.stream().anyMatch(type -> Bodies.isOfType(request, type));
    }

    /**
     * Reads an array and processes its items. Fails with a {@link ProblemException} if the body is missing, malformed
     * or too long, or all arrays together exceed their limit.
     */
    public <T, R> Mono<R> array(
            ServerRequest request, ItemReader<T> reader, Function<List<BulkItem<T>>, Mono<R>> work) {
        return buffered.read(
                request,
                limits.arrayBytesMax(),
                "Send application/json or application/x-ndjson.",
                bytes -> work.apply(reader.array(bytes)));
    }

    /**
     * Reads a stream as it arrives, carries out its items in blocks, and emits their results in the order of the lines.
     * Reads at most {@code tally.http.stream-bytes-max} beyond the last result. A stream does not fail if it is cut
     * off, its instance stops or its credentials are no longer valid: it ends with {@link BulkItem.StreamIncomplete}.
     *
     * @param reader a new reader for each stream
     * @param work processes a block; several blocks may run at once
     */
    public <T, R> Flux<R> lines(
            ServerRequest request, ItemReader<T> reader, Function<List<BulkItem<T>>, Mono<R>> work) {
        return Flux.defer(() -> blocks(
                        request, new Lines<>(reader, (int) limits.lineBytesMax().toBytes())))
                .flatMapSequential(work, limits.streamPiecesMax(), 1);
    }

    private <T> Flux<List<BulkItem<T>>> blocks(ServerRequest request, Lines<T> lines) {
        return Bodies.buffers(request)
                .takeUntilOther(stopping.asMono())
                .takeUntilOther(Caller.of(request).end().then(Mono.error(BulkBodies::unauthenticated)))
                // The lines before the failure are still applied and answered.
                .doOnError(failure -> lines.breakOff(incomplete(request, failure)))
                .onErrorComplete()
                .doOnDiscard(DataBuffer.class, DataBufferUtils::release)
                .concatMapIterable(lines::blocks, 1)
                .concatWith(Flux.defer(() -> Flux.fromIterable(lines.last())));
    }

    private static ProblemException unauthenticated() {
        return new ProblemException(ProblemType.UNAUTHENTICATED, "The credentials are no longer valid.");
    }

    private static ProblemDetail incomplete(ServerRequest request, Throwable failure) {
        ServerHttpRequest stream = request.exchange().getRequest();
        RequestId.on(log.atDebug(), stream).log("A stream was cut off: {}", failure.toString());
        ProblemDetail problem = Problems.problem(
                ProblemType.STREAM_INCOMPLETE,
                failure instanceof ProblemException known
                        ? String.valueOf(known.problem().getDetail())
                        : "The rest of the stream did not arrive.");
        problem.setProperty(RequestId.NAME, RequestId.of(stream));
        return problem;
    }

    /** Ends the streams, which may last for hours, so that the shutdown does not wait for them. */
    @EventListener(ContextClosedEvent.class)
    void stop() {
        stopping.tryEmitError(new ProblemException(ProblemType.STORE_UNAVAILABLE, "This instance is shutting down."));
    }
}
