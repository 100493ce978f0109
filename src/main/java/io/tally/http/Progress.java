package io.tally.http;

import io.tally.pipeline.StoreFailure;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.springframework.context.event.ContextClosedEvent;
import org.springframework.context.event.EventListener;
import org.springframework.http.CacheControl;
import org.springframework.http.HttpMethod;
import org.springframework.http.MediaType;
import org.springframework.http.codec.ServerSentEvent;
import org.springframework.util.MimeTypeUtils;
import org.springframework.web.reactive.function.BodyInserters;
import org.springframework.web.reactive.function.server.ServerRequest;
import org.springframework.web.reactive.function.server.ServerResponse;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.core.publisher.SynchronousSink;

/**
 * The progress of one kind of long work, once or as a stream. Each stream reads the work's row at an interval: any
 * instance may work on it.
 *
 * @param <T> the work as it stands
 */
public final class Progress<T> {

    /** Bounds what all streams read: so many rows by their key in one interval. */
    public static final int STREAMS_MAX = 64;

    private static final Duration INTERVAL = Duration.ofMillis(500);

    /** Shorter than what proxies let a connection be silent. */
    static final Duration HEARTBEAT = Duration.ofSeconds(15);

    private final Work<T> work;
    private final LongSupplier nanoClock;
    private final AtomicInteger open = new AtomicInteger();
    private final Sinks.Empty<Void> stopping = Sinks.empty();

    /**
     * One kind of work.
     *
     * @param name in a sentence: "job"
     * @param find fails with {@link StoreFailure} only; empty where there is none
     * @param isFinished whether it changes no more
     * @param view as it is shown
     */
    public record Work<T>(
            String name, Function<UUID, Mono<T>> find, Predicate<T> isFinished, Function<T, Object> view) {}

    /** Of that kind of work. */
    public Progress(Work<T> work) {
        this(work, System::nanoTime);
    }

    /** @param nanoClock {@link System#nanoTime} but in tests */
    Progress(Work<T> work, LongSupplier nanoClock) {
        this.work = work;
        this.nanoClock = nanoClock;
    }

    /** What a resource that shows this answers with. */
    public static MediaType[] types() {
        return new MediaType[] {MediaType.APPLICATION_JSON, MediaType.TEXT_EVENT_STREAM};
    }

    /** Answers with the work as it is, or as a stream of events where that is what the request accepts. */
    public Mono<ServerResponse> show(ServerRequest request, String id) {
        return Mono.justOrEmpty(id(id))
                .flatMap(known -> shown(request, known))
                .switchIfEmpty(Mono.defer(this::notFound));
    }

    private Mono<ServerResponse> shown(ServerRequest request, UUID id) {
        return work.find().apply(id).flatMap(found -> shown(request, id, found));
    }

    private Mono<ServerResponse> shown(ServerRequest request, UUID id, T found) {
        return wantsEvents(request)
                ? ServerResponse.ok()
                        .cacheControl(CacheControl.noStore())
                        .body(BodyInserters.fromServerSentEvents(events(id, found, isHead(request))))
                : Routes.json(ServerResponse.ok(), work.view().apply(found));
    }

    /** HEAD has the header fields of GET, and does not wait for the end of the work. */
    private static boolean isHead(ServerRequest request) {
        return request.method().equals(HttpMethod.HEAD);
    }

    /** There is none of that identity. */
    public Mono<ServerResponse> notFound() {
        return Problems.answer(Problems.problem(ProblemType.NOT_FOUND, "There is no such " + work.name() + "."));
    }

    /** The identity in a path; empty where it is malformed, or not spelled as the service spells it. */
    public static Optional<UUID> id(String text) {
        try {
            return Optional.of(UUID.fromString(text)).filter(id -> id.toString().equalsIgnoreCase(text));
        } catch (IllegalArgumentException malformed) {
            return Optional.empty();
        }
    }

    /** What is accepted first and most exactly decides; JSON where that leaves both. */
    private static boolean wantsEvents(ServerRequest request) {
        List<MediaType> accepted = new ArrayList<>(request.headers().accept());
        MimeTypeUtils.sortBySpecificity(accepted);
        return accepted.stream()
                .filter(type -> type.getQualityValue() > 0)
                .filter(type -> type.isCompatibleWith(MediaType.APPLICATION_JSON)
                        || type.isCompatibleWith(MediaType.TEXT_EVENT_STREAM))
                .findFirst()
                .filter(type -> !type.isCompatibleWith(MediaType.APPLICATION_JSON))
                .isPresent();
    }

    /**
     * The work at once, and then as often as it has changed, until it is finished or this instance stops. A slow reader
     * misses states, never the last. Fails with a {@link ProblemException} before the first event where too many are
     * open.
     *
     * @param found as it was just found
     * @param once without waiting for what comes next
     */
    Flux<ServerSentEvent<Object>> events(UUID id, T found, boolean once) {
        return Flux.defer(() -> admitted(id, found, once));
    }

    private Flux<ServerSentEvent<Object>> admitted(UUID id, T found, boolean once) {
        if (open.incrementAndGet() > STREAMS_MAX) {
            open.decrementAndGet();
            return Flux.error(new ProblemException(
                    ProblemType.OVERLOADED,
                    STREAMS_MAX + " streams of a " + work.name() + " are open on this instance already."));
        }
        Stream stream = new Stream(id, found);
        return (once ? stream.first() : stream.events())
                .takeUntilOther(stopping.asMono())
                .doFinally(signal -> open.decrementAndGet());
    }

    /** Streams last as long as the work: this ends them, so that the shutdown does not wait for them. */
    @EventListener(ContextClosedEvent.class)
    public void stop() {
        stopping.tryEmitEmpty();
    }

    private final class Stream {

        private final UUID id;

        /** As last read. */
        private T read;

        /** As last sent. */
        private @Nullable T sent;

        private long sentNanos;

        Stream(UUID id, T first) {
            this.id = id;
            this.read = first;
        }

        Flux<ServerSentEvent<Object>> first() {
            return Flux.just(event(read));
        }

        Flux<ServerSentEvent<Object>> events() {
            return Mono.just(read)
                    .concatWith(reads())
                    .takeUntil(work.isFinished())
                    // A reader that is slow must not hold on to a read, which holds a connection.
                    .onBackpressureLatest()
                    .handle(this::send);
        }

        private Flux<T> reads() {
            return Mono.delay(INTERVAL)
                    .then(Mono.defer(this::read))
                    // Nothing is read once the row is gone.
                    .repeatWhen(reads -> reads.takeWhile(found -> found > 0));
        }

        private Mono<T> read() {
            return work.find()
                    .apply(id)
                    .doOnNext(found -> read = found)
                    // The stream outlasts a database that is away.
                    .onErrorResume(StoreFailure.class, failure -> Mono.just(read));
        }

        private void send(T found, SynchronousSink<ServerSentEvent<Object>> sink) {
            long now = nanoClock.getAsLong();
            if (!found.equals(sent)) {
                sent = found;
                sentNanos = now;
                sink.next(event(found));
            } else if (now - sentNanos >= HEARTBEAT.toNanos()) {
                sentNanos = now;
                sink.next(ServerSentEvent.builder().comment("").build());
            }
        }

        private ServerSentEvent<Object> event(T found) {
            return ServerSentEvent.builder(work.view().apply(found)).build();
        }
    }
}
