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

    /** Limits the reads of all streams: at most this number of rows by key per interval. */
    public static final int STREAMS_MAX = 64;

    private static final Duration INTERVAL = Duration.ofMillis(500);

    /** Shorter than the idle time-outs of proxies. */
    static final Duration HEARTBEAT = Duration.ofSeconds(15);

    /** The media types of the response. */
    public static final List<MediaType> TYPES = List.of(MediaType.APPLICATION_JSON, MediaType.TEXT_EVENT_STREAM);

    private final Work<T> work;
    private final LongSupplier nanoClock;
    private final AtomicInteger open = new AtomicInteger();
    private final Sinks.Empty<Void> stopping = Sinks.empty();

    /**
     * One kind of work.
     *
     * @param name the noun for messages: "job"
     * @param find fails with {@link StoreFailure} only; empty if there is none
     * @param isFinished whether its state is final
     * @param view its JSON view
     */
    public record Work<T>(
            String name, Function<UUID, Mono<T>> find, Predicate<T> isFinished, Function<T, Object> view) {}

    /** The progress of that kind of work. */
    public Progress(Work<T> work) {
        this(work, System::nanoTime);
    }

    /** @param nanoClock {@link System#nanoTime} but in tests */
    Progress(Work<T> work, LongSupplier nanoClock) {
        this.work = work;
        this.nanoClock = nanoClock;
    }

    /**
     * Answers with the current state of the work, or with a stream of events if the request prefers that.
     *
     * @param isVisible whether the caller may see a state; otherwise the work does not exist
     */
    public Mono<ServerResponse> show(ServerRequest request, String id, Predicate<T> isVisible) {
        boolean events = Accept.preferred(request, TYPES)
                .filter(MediaType.TEXT_EVENT_STREAM::equals)
                .isPresent();
        return Mono.justOrEmpty(id(id))
                .map(known -> Mono.defer(() -> work.find().apply(known)).filter(isVisible))
                .flatMap(row -> events ? stream(request, row) : once(row))
                .switchIfEmpty(Mono.defer(this::notFound));
    }

    private Mono<ServerResponse> once(Mono<T> row) {
        return row.flatMap(found -> Routes.json(ServerResponse.ok(), work.view().apply(found)));
    }

    /** Starts even while the database is unavailable: a browser never reconnects after an error status. */
    private Mono<ServerResponse> stream(ServerRequest request, Mono<T> row) {
        return row.map(Optional::of)
                .onErrorResume(StoreFailure.class, failure -> Mono.just(Optional.empty()))
                .flatMap(found -> Routes.events()
                        .body(BodyInserters.fromServerSentEvents(events(row, found, isHead(request))
                                .takeUntilOther(Caller.of(request).end()))));
    }

    /** HEAD has the header fields of GET, and does not wait for the end of the work. */
    private static boolean isHead(ServerRequest request) {
        return request.method().equals(HttpMethod.HEAD);
    }

    /** The response if no work has that id. */
    public Mono<ServerResponse> notFound() {
        return Problems.answer(Problems.problem(ProblemType.NOT_FOUND, "The " + work.name() + " does not exist."));
    }

    /** The id in a path; empty if it is malformed or not in the canonical form. */
    public static Optional<UUID> id(String text) {
        try {
            return Optional.of(UUID.fromString(text)).filter(id -> id.toString().equalsIgnoreCase(text));
        } catch (IllegalArgumentException malformed) {
            return Optional.empty();
        }
    }

    /**
     * The current state and then each change, until the work is finished or this instance stops. A slow reader misses
     * states, but never the last one. Fails with a {@link ProblemException} before the first event if too many streams
     * are open.
     *
     * @param row reads the state; fails with {@link StoreFailure} only
     * @param found the current state; if it is empty, the stream begins with a comment
     * @param once whether the stream ends after the first event
     */
    Flux<ServerSentEvent<Object>> events(Mono<T> row, Optional<T> found, boolean once) {
        return Flux.defer(() -> admitted(row, found, once));
    }

    private Flux<ServerSentEvent<Object>> admitted(Mono<T> row, Optional<T> found, boolean once) {
        if (open.incrementAndGet() > STREAMS_MAX) {
            open.decrementAndGet();
            return Flux.error(new ProblemException(
                    ProblemType.OVERLOADED,
                    STREAMS_MAX + " streams of a " + work.name() + " are already open on this instance."));
        }
        Stream stream = new Stream(row, found);
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

        private final Mono<T> row;

        /** The last state that was read; empty before the first successful read. */
        private Optional<T> read;

        /** The last state that was sent; empty before the first. */
        private Optional<T> sent = Optional.empty();

        /** The time of the last event or comment; before the first, an interval ago. */
        private long sentNanos = nanoClock.getAsLong() - HEARTBEAT.toNanos();

        Stream(Mono<T> row, Optional<T> first) {
            this.row = row;
            this.read = first;
        }

        Flux<ServerSentEvent<Object>> first() {
            return Flux.just(event(read));
        }

        Flux<ServerSentEvent<Object>> events() {
            return Mono.just(read)
                    .concatWith(reads())
                    .takeUntil(found -> found.filter(work.isFinished()).isPresent())
                    // A slow reader must not delay a read, which holds a connection.
                    .onBackpressureLatest()
                    .handle(this::send);
        }

        private Flux<Optional<T>> reads() {
            return Mono.delay(INTERVAL)
                    .then(Mono.defer(this::read))
                    // The row is gone: stop reading.
                    .repeatWhen(reads -> reads.takeWhile(found -> found > 0));
        }

        private Mono<Optional<T>> read() {
            return row.map(Optional::of)
                    .doOnNext(found -> read = found)
                    // The stream survives an outage of the database.
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
