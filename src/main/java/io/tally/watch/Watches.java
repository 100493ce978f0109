package io.tally.watch;

import io.tally.counter.CounterId;
import io.tally.http.ProblemException;
import io.tally.http.ProblemType;
import io.tally.lane.CallerExecutor;
import io.tally.lane.Lane;
import io.tally.lane.LaneOwner;
import io.tally.watch.WatchPoller.Answer;
import io.tally.watch.WatchPoller.Question;
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
import tools.jackson.databind.json.JsonMapper;

/**
 * All live streams of this instance. Safe for use by many threads.
 *
 * <p>A stream enters, has its counters looked at, and then begins to send; so no state between the look and the first
 * poll is lost. One poll at an interval looks at all watched counters, for any number of streams and instances: it asks
 * the database.
 */
public final class Watches extends LaneOwner {

    /** Polling takes one part of the time and leaves so many. */
    private static final int REST_PER_WORK = 3;

    /** Longer than the tries of {@link WatchPoller}, and than a look at as many counters as there can be. */
    private static final Duration FLIGHT_MAX = Duration.ofMinutes(5);

    /** After the streams have ended, one look may still be under way. */
    private static final Duration DRAIN_MAX = Duration.ofSeconds(5);

    private final Map<CounterId, WatchedCounter> counters = new ConcurrentHashMap<>();
    private final Set<WatchStream> streams = ConcurrentHashMap.newKeySet();
    private final AtomicInteger open = new AtomicInteger();
    private final WatchProperties properties;
    private final WatchMetrics metrics;
    private final CallerExecutor threads;
    private final LongSupplier nanoClock;
    private final WatchPoller looker;
    private final Lane<Question, Answer> lane;
    private volatile boolean stopping;

    /** @param waitMax how long a new stream waits for a database that does not answer */
    Watches(
            Changes changes,
            JsonMapper json,
            WatchProperties properties,
            Duration waitMax,
            WatchMetrics metrics,
            CallerExecutor threads,
            LongSupplier nanoClock) {
        this.properties = properties;
        this.metrics = metrics;
        this.threads = threads;
        this.nanoClock = nanoClock;
        this.looker = new WatchPoller(changes, json, waitMax, nanoClock);
        this.lane = new Lane<>(
                "watches",
                // A question of each stream, and the poll's.
                new Lane.Limits(properties.streamsMax() + 1, properties.streamsMax() + 1, waitMax, FLIGHT_MAX),
                looker,
                threads,
                nanos -> {},
                nanoClock);
    }

    /** How many streams are open. */
    public int streams() {
        return open.get();
    }

    /** How many counters they watch. */
    int counters() {
        return counters.size();
    }

    /**
     * Has the events of some counters written, as bytes: one for each that is not as the client has it, then one
     * whenever one of them is found changed. Gives no more than is asked for, and skips what there was no room for and
     * is no longer true. Ends where the instance stops. The stream counts for as long as it is written, and leaves
     * nothing behind.
     *
     * <p>The events fail, before there is any, with a {@link ProblemException} where the database does not answer, or
     * where a counter that is required does not exist. The writing fails with one, before it begins, where there are
     * too many streams.
     *
     * @param ids different ones
     * @param versions those the client has, in the same order; 0: it knows of none
     * @param required whether each of them has to exist now
     * @param writing of the events to the client. Its end ends the stream: some writers that fail do not cancel the
     *     events
     */
    Mono<Void> write(
            List<CounterId> ids, long[] versions, boolean required, Function<Flux<DataBuffer>, Mono<Void>> writing) {
        return Mono.using(() -> enter(ids, versions), stream -> writing.apply(events(stream, required)), this::leave);
    }

    private Flux<DataBuffer> events(WatchStream stream, boolean required) {
        // Never more than was asked for: there is nothing to be buffered.
        return seen(stream, required).thenMany(Flux.create(stream::attach, OverflowStrategy.ERROR));
    }

    private WatchStream enter(List<CounterId> ids, long[] versions) {
        if (open.incrementAndGet() > properties.streamsMax()) {
            open.decrementAndGet();
            throw new ProblemException(
                    ProblemType.OVERLOADED, "This instance has " + properties.streamsMax() + " streams already.");
        }
        List<WatchedCounter> watched = new ArrayList<>(ids.size());
        WatchStream stream = new WatchStream(watched, versions.clone(), threads.current(), metrics);
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
        stream.counters().forEach(watched -> part(watched.id(), stream));
        open.decrementAndGet();
    }

    private void part(CounterId id, WatchStream stream) {
        counters.computeIfPresent(id, (key, counter) -> {
            counter.streams().remove(stream);
            return counter.streams().isEmpty() ? null : counter;
        });
    }

    private Mono<Answer> seen(WatchStream stream, boolean required) {
        return lane.submit(new Question(stream.counters()))
                .doOnNext(Watches::requireSeen)
                .doOnNext(answer -> requireExisting(stream, required));
    }

    private static void requireSeen(Answer answer) {
        switch (answer) {
            case SEEN -> {}
            case OVERLOADED -> throw new ProblemException(ProblemType.OVERLOADED, "Too many streams begin at once.");
            case UNAVAILABLE ->
                throw new ProblemException(ProblemType.STORE_UNAVAILABLE, "The counters could not be read.");
        }
    }

    private static void requireExisting(WatchStream stream, boolean required) {
        if (required && !stream.counters().stream().allMatch(WatchedCounter::exists)) {
            throw new ProblemException(ProblemType.NOT_FOUND, "There is no such counter.");
        }
    }

    /** Looks at all that is watched, in one statement or a few. */
    @Scheduled(fixedDelayString = "${tally.watch.interval:250ms}")
    Mono<Void> poll() {
        return Mono.defer(() -> counters.isEmpty() || stopping ? Mono.empty() : pass(nanoClock.getAsLong()));
    }

    private Mono<Void> pass(long startNanos) {
        return Flux.fromIterable(WatchPoller.slices(List.copyOf(counters.values())))
                .map(Question::new)
                .concatMap(lane::submit)
                .all(Answer.SEEN::equals)
                .flatMap(seen -> seen ? rest(nanoClock.getAsLong() - startNanos) : Mono.empty());
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

    /** Streams last for as long as their clients like: this ends them before the web server waits for them. */
    @EventListener(ContextClosedEvent.class)
    void endStreams() {
        stopping = true;
        looker.stop();
        streams.forEach(WatchStream::end);
    }
}
