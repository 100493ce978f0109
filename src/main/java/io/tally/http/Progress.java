package io.tally.http;

import io.tally.pipeline.StoreFailure;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import org.springframework.context.event.ContextClosedEvent;
import org.springframework.context.event.EventListener;
import org.springframework.http.HttpMethod;
import org.springframework.http.MediaType;
import org.springframework.http.codec.ServerSentEvent;
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

    /** What a resource that shows this answers with. */
    public static final List<MediaType> TYPES = List.of(MediaType.APPLICATION_JSON, MediaType.TEXT_EVENT_STREAM);

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

    /** Answers with the work as it is, or as a stream of events where that is what the request prefers. */
    public Mono<ServerResponse> show(ServerRequest request, String id) {
        boolean events = Accept.preferred(request, TYPES)
                .filter(MediaType.TEXT_EVENT_STREAM::equals)
                .isPresent();
        return Mono.justOrEmpty(id(id))
                .flatMap(known -> events ? stream(request, known) : once(known))
                .switchIfEmpty(Mono.defer(this::notFound));
    }

    private Mono<ServerResponse> once(UUID id) {
        return work.find()
                .apply(id)
                .flatMap(found -> Routes.json(ServerResponse.ok(), work.view().apply(found)));
    }

    /** Begins also while the database is away: a browser that is refused once never comes again. */
    private Mono<ServerResponse> stream(ServerRequest request, UUID id) {
        return work.find()
                .apply(id)
                .map(Optional::of)
                .onErrorResume(StoreFailure.class, failure -> Mono.just(Optional.empty()))
                .flatMap(found ->
                        Routes.events().body(BodyInserters.fromServerSentEvents(events(id, found, isHead(request)))));
    }

    /** HEAD has the header fields of GET, and does not wait for the end of the work. */
    private static boolean isHead(ServerRequest request) {
        return request.method().equals(HttpMethod.HEAD);
    }

    /** There is none of that identity. */
    public Mono<ServerResponse> notFound() {
        return Problems.answer(Problems.problem(ProblemType.NOT_FOUND, "The " + work.name() + " does not exist."));
    }

    /** The identity in a path; empty where it is malformed, or not spelled as the service spells it. */
    public static Optional<UUID> id(String text) {
        try {
            return Optional.of(UUID.fromString(text)).filter(id -> id.toString().equalsIgnoreCase(text));
        } catch (IllegalArgumentException malformed) {
            return Optional.empty();
        }
    }

    /**
     * The work at once, and then as often as it has changed, until it is finished or this instance stops. A slow reader
     * misses states, never the last. Fails with a {@link ProblemException} before the first event where too many are
     * open.
     *
     * @param found as it was just found; empty: unknown, and the stream begins with a comment
     * @param once without waiting for what comes next
     */
    Flux<ServerSentEvent<Object>> events(UUID id, Optional<T> found, boolean once) {
        return Flux.defer(() -> admitted(id, found, once));
    }

    private Flux<ServerSentEvent<Object>> admitted(UUID id, Optional<T> found, boolean once) {
        if (open.incrementAndGet() > STREAMS_MAX) {
            open.decrementAndGet();
            return Flux.error(new ProblemException(
                    ProblemType.OVERLOADED,
                    STREAMS_MAX + " streams of a " + work.name() + " are already open on this instance."));
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

        /** As last read; empty before the first read that succeeds. */
        private Optional<T> read;

        /** As last sent; empty before the first. */
        private Optional<T> sent = Optional.empty();

        /** Of the last event or comment; long ago before the first. */
        private long sentNanos = nanoClock.getAsLong() - HEARTBEAT.toNanos();

        Stream(UUID id, Optional<T> first) {
            this.id = id;
            this.read = first;
        }

        Flux<ServerSentEvent<Object>> first() {
            return Flux.just(event(read));
        }

        Flux<ServerSentEvent<Object>> events() {
            return Mono.just(read)
                    .concatWith(reads())
                    .takeUntil(found -> found.filter(work.isFinished()).isPresent())
                    // A reader that is slow must not hold on to a read, which holds a connection.
                    .onBackpressureLatest()
                    .handle(this::send);
        }

        private Flux<Optional<T>> reads() {
            return Mono.delay(INTERVAL)
                    .then(Mono.defer(this::read))
                    // Nothing is read once the row is gone.
                    .repeatWhen(reads -> reads.takeWhile(found -> found > 0));
        }

        private Mono<Optional<T>> read() {
            return work.find()
                    .apply(id)
                    .map(Optional::of)
                    .doOnNext(found -> read = found)
                    // The stream outlasts a database that is away.
                    .onErrorResume(StoreFailure.class, failure -> Mono.just(read));
        }

        private void send(Optional<T> found, SynchronousSink<ServerSentEvent<Object>> sink) {
            long now = nanoClock.getAsLong();
            if (!found.equals(sent)) {
                sent = found;
                sentNanos = now;
                sink.next(event(found));
            } else if (now - sentNanos >= HEARTBEAT.toNanos()) {
                sentNanos = now;
                sink.next(heartbeat());
            }
        }

        private ServerSentEvent<Object> event(Optional<T> found) {
            return found.map(work.view())
                    .map(view -> ServerSentEvent.builder(view).build())
                    .orElseGet(this::heartbeat);
        }

        private ServerSentEvent<Object> heartbeat() {
            return ServerSentEvent.builder().comment("").build();
        }
    }
}
