package io.tally.watch;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.tally.counter.CounterId;
import io.tally.http.Int64Form;
import io.tally.http.ProblemException;
import io.tally.http.ProblemType;
import io.tally.http.ResponseJson;
import io.tally.lane.CallerExecutor;
import io.tally.lane.Lane;
import io.tally.lane.LaneOwner;
import io.tally.telemetry.Meter;
import io.tally.watch.WatchPoller.PollRequest;
import io.tally.watch.WatchPoller.PollResult;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.function.LongSupplier;
import org.springframework.context.event.ContextClosedEvent;
import org.springframework.context.event.EventListener;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.scheduling.annotation.Scheduled;
import reactor.core.publisher.Flux;
import reactor.core.publisher.FluxSink.OverflowStrategy;
import reactor.core.publisher.Mono;

/**
 * All live streams of this instance. Safe for use by many threads.
 *
 * <p>A stream registers its counters, polls them, and then starts to send; so it misses no state between its own poll
 * and the next scheduled one. A scheduled poll reads all watched counters from the database, for any number of streams.
 */
public final class Watches extends LaneOwner {

    /** The ratio of pauses to polling time. */
    private static final int REST_PER_WORK = 3;

    /** Longer than the retries of {@link WatchPoller}, and than a poll of the most counters there can be. */
    private static final Duration FLIGHT_MAX = Duration.ofMinutes(5);

    /** After the streams have ended, one poll may still be in progress. */
    private static final Duration DRAIN_MAX = Duration.ofSeconds(5);

    private final Map<CounterId, WatchedCounter> counters = new ConcurrentHashMap<>();
    private final Set<WatchStream> streams = ConcurrentHashMap.newKeySet();

    /** Streams that started during an outage of the database and have no state yet. */
    private final Set<WatchStream> waiting = ConcurrentHashMap.newKeySet();

    private final AtomicInteger open = new AtomicInteger();
    private final WatchProperties properties;
    private final Counter events;
    private final CallerExecutor callerExecutor;
    private final LongSupplier nanoClock;
    private final WatchPoller poller;
    private final Lane<PollRequest, PollResult> lane;
    private volatile boolean stopping;

    /** @param waitMax the time for which a new stream waits for an unavailable database */
    Watches(
            Changes changes,
            ResponseJson json,
            WatchProperties properties,
            Duration waitMax,
            MeterRegistry registry,
            CallerExecutor callerExecutor,
            LongSupplier nanoClock) {
        this.properties = properties;
        this.events = Meter.WATCH_EVENTS.counter(registry);
        Meter.WATCH_STREAMS.gauge(registry, open::get);
        this.callerExecutor = callerExecutor;
        this.nanoClock = nanoClock;
        this.poller = new WatchPoller(changes, json, waitMax, nanoClock);
        this.lane = new Lane<>(
                "watches",
                // One request per new stream, and the scheduled one.
                new Lane.Limits(properties.streamsMax() + 1, properties.streamsMax() + 1, waitMax, FLIGHT_MAX),
                poller,
                callerExecutor,
                nanos -> {},
                nanoClock);
    }

    /** The number of open streams. */
    int streams() {
        return open.get();
    }

    /** The number of watched counters. */
    int counters() {
        return counters.size();
    }

    /**
     * Writes the events of some counters, as bytes: one for each counter whose state the client does not have, then one
     * for each change that a poll finds. Respects the client's demand, and skips outdated states. Ends when the
     * instance stops.
     *
     * <p>The events fail before the first one with a {@link ProblemException} if a required counter does not exist.
     * During an outage of the database, the stream sends only heartbeats: the {@code EventSource} of a browser never
     * reconnects after an error status. If such a stream then finds a required counter absent, it ends, and the client
     * gets the problem when it reconnects. The writing fails before it begins if there are too many streams.
     *
     * @param ids distinct counters
     * @param versions the client's versions, in the same order; 0 for none
     * @param required whether each counter must exist now
     * @param form of the numbers in the events
     * @param writing writes the events to the client. Its end ends the stream: some writers that fail do not cancel the
     *     events
     */
    Mono<Void> write(
            List<CounterId> ids,
            long[] versions,
            boolean required,
            Int64Form form,
            Function<Flux<DataBuffer>, Mono<Void>> writing) {
        return Mono.using(
                () -> enter(ids, versions, required, form), stream -> writing.apply(events(stream)), this::leave);
    }

    private Flux<DataBuffer> events(WatchStream stream) {
        // The stream respects the demand, so nothing needs buffering.
        return begin(stream).thenMany(Flux.create(stream::attach, OverflowStrategy.ERROR));
    }

    private WatchStream enter(List<CounterId> ids, long[] versions, boolean required, Int64Form form) {
        if (open.incrementAndGet() > properties.streamsMax()) {
            open.decrementAndGet();
            throw new ProblemException(
                    ProblemType.OVERLOADED, properties.streamsMax() + " streams are already open on this instance.");
        }
        List<WatchedCounter> watched = new ArrayList<>(ids.size());
        WatchStream stream =
                new WatchStream(watched, versions.clone(), required, form, callerExecutor.current(), events);
        ids.forEach(id -> watched.add(join(id, stream)));
        streams.add(stream);
        if (stopping) {
            stream.end();
        }
        return stream;
    }

    private WatchedCounter join(CounterId id, WatchStream stream) {
        return counters.compute(id, (key, counter) -> {
            WatchedCounter watched = counter == null ? new WatchedCounter(key) : counter;
            watched.streams().add(stream);
            return watched;
        });
    }

    private void leave(WatchStream stream) {
        streams.remove(stream);
        waiting.remove(stream);
        stream.counters().forEach(watched -> part(watched.id(), stream));
        open.decrementAndGet();
    }

    private void part(CounterId id, WatchStream stream) {
        counters.computeIfPresent(id, (key, counter) -> {
            counter.streams().remove(stream);
            return counter.streams().isEmpty() ? null : counter;
        });
    }

    private Mono<PollResult> begin(WatchStream stream) {
        return lane.submit(new PollRequest(stream.counters())).doOnNext(result -> begin(stream, result));
    }

    private void begin(WatchStream stream, PollResult result) {
        if (result == PollResult.FAILED) {
            waiting.add(stream);
            return;
        }
        stream.see();
        if (stream.isAbsent()) {
            throw new ProblemException(ProblemType.NOT_FOUND, "The counter does not exist.");
        }
    }

    /** Polls all watched counters, in one statement or a few. */
    @Scheduled(fixedDelayString = "${tally.watch.interval:250ms}")
    Mono<Void> poll() {
        return Mono.defer(() -> counters.isEmpty() || stopping ? Mono.empty() : pass(nanoClock.getAsLong()));
    }

    private Mono<Void> pass(long startNanos) {
        // The poll includes their counters: a stream registers its counters first.
        List<WatchStream> begun = List.copyOf(waiting);
        return Flux.fromIterable(WatchPoller.slices(List.copyOf(counters.values())))
                .map(PollRequest::new)
                .concatMap(lane::submit)
                .all(PollResult.DONE::equals)
                .flatMap(done -> done ? passed(begun, startNanos) : Mono.empty());
    }

    private Mono<Void> passed(List<WatchStream> begun, long startNanos) {
        begun.forEach(waiting::remove);
        begun.forEach(WatchStream::see);
        return rest(nanoClock.getAsLong() - startNanos);
    }

    private Mono<Void> rest(long workNanos) {
        Duration rest = Duration.ofNanos(REST_PER_WORK * workNanos).minus(properties.interval());
        return rest.isPositive() ? Mono.delay(rest).then() : Mono.empty();
    }

    @Override
    protected Lane<?, ?> lane() {
        return lane;
    }

    @Override
    protected Duration drainMax() {
        return DRAIN_MAX;
    }

    @Scheduled(fixedRateString = "${tally.watch.heartbeat:15s}")
    void beat() {
        streams.forEach(WatchStream::beat);
    }

    /** Ends the streams before the web server waits for them, since streams end only with their clients. */
    @EventListener(ContextClosedEvent.class)
    void endStreams() {
        stopping = true;
        poller.stop();
        streams.forEach(WatchStream::end);
    }
}
