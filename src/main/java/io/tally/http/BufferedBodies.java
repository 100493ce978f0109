package io.tally.http;

import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.DataBufferUtils;
import org.springframework.http.MediaType;
import org.springframework.stereotype.Component;
import org.springframework.util.unit.DataSize;
import org.springframework.web.reactive.function.server.ServerRequest;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Reads JSON bodies completely, with a limit on their bytes in total. Without the limit, hundreds of arrays that end at
 * once would exhaust the memory, and every other request would wait until they are parsed. Safe for use by many
 * threads.
 */
@Component
public final class BufferedBodies {

    private final AtomicLong held = new AtomicLong();
    private final long heldMax;

    BufferedBodies(HttpProperties limits) {
        heldMax = limits.arraysBytesMax().toBytes();
    }

    /**
     * Reads the whole body and processes it; its bytes count until the work ends. Fails if the body is missing, exceeds
     * its limit, or would exceed the limit of all bodies.
     *
     * @param types the detail of the problem for a body of another type
     */
    public <T> Mono<T> read(ServerRequest request, DataSize max, String types, Function<byte[], Mono<T>> work) {
        return Mono.using(
                Share::new,
                share -> bytes(request, max, types, share)
                        .switchIfEmpty(Mono.error(Bodies::missing))
                        .flatMap(work),
                Share::release);
    }

    private static Mono<byte[]> bytes(ServerRequest request, DataSize max, String types, Share share) {
        return Bodies.isOfType(request, MediaType.APPLICATION_JSON)
                ? DataBufferUtils.join(share.counted(Bodies.buffers(request)), (int) max.toBytes())
                        .map(Bodies::bytes)
                : Bodies.refuse(request, new ProblemException(ProblemType.UNSUPPORTED_MEDIA_TYPE, types));
    }

    /** The bytes of all bodies that are held now. */
    long heldBytes() {
        return held.get();
    }

    /** The bytes of one body. */
    private final class Share {

        private final AtomicLong own = new AtomicLong();

        Flux<DataBuffer> counted(Flux<DataBuffer> body) {
            return body.handle((buffer, sink) -> {
                if (take(buffer.readableByteCount())) {
                    sink.next(buffer);
                } else {
                    DataBufferUtils.release(buffer);
                    sink.error(new ProblemException(
                            ProblemType.OVERLOADED, "Tally is reading too many arrays at once. Nothing was applied."));
                }
            });
        }

        /** A single body is read up to its own limit, even beyond the limit of all. */
        private boolean take(int bytes) {
            long ownBytes = own.addAndGet(bytes);
            long allBytes = held.addAndGet(bytes);
            return allBytes <= heldMax || allBytes == ownBytes;
        }

        void release() {
            held.addAndGet(-own.getAndSet(0));
        }
    }
}
