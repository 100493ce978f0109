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
import io.tally.shard.PerShard;
import io.tally.shard.ShardRuns;
import io.tally.telemetry.Meter;
import io.tally.watch.WatchPoller.PollRequest;
import io.tally.watch.WatchPoller.PollResult;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
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

    /** Longer than the retries of {@link WatchPoller}, and than a poll of the most counters there can be. */
    private static final Duration FLIGHT_MAX = Duration.ofMinutes(5);

    /** After the streams have ended, one poll may still be in progress. */
    private static final Duration DRAIN_MAX = Duration.ofSeconds(5);

    private final Set<WatchStream> streams = ConcurrentHashMap.newKeySet();

    private final AtomicInteger open = new AtomicInteger();
    private final WatchProperties properties;
    private final Counter events;
    private final CallerExecutor callerExecutor;
    private final PerShard<ShardWatches> shards;
    private final ShardRuns polls;
    private volatile boolean stopping;

    /** @param waitMax the time for which a new stream waits for an unavailable database */
    Watches(
            PerShard<Changes> changes,
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
        this.shards = PerShard.of(changes.sharding(), index -> {
            WatchPoller poller = new WatchPoller(changes.at(index), json, waitMax, nanoClock);
            Lane<PollRequest, PollResult> lane = new Lane<>(
                    changes.sharding().label("watches", index),
                    // One request per new stream, and the scheduled one.
                    new Lane.Limits(properties.streamsMax() + 1, properties.streamsMax() + 1, waitMax, FLIGHT_MAX),
                    poller,
                    callerExecutor,
                    nanos -> {},
                    nanoClock);
            return new ShardWatches(poller, lane, nanoClock);
        });
        this.polls = ShardRuns.onAll(shards, ShardWatches::poll);
    }

    /** The number of open streams. */
    int streams() {
        return open.get();
    }

    /** The number of watched counters. */
    int counters() {
        return shards.all().stream().mapToInt(ShardWatches::counters).sum();
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
     * @param ids distinct counters of one namespace
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
        ShardWatches shard = shards.of(ids.getFirst().namespace());
        return Mono.using(
                () -> enter(shard, ids, versions, required, form),
                stream -> writing.apply(events(shard, stream)),
                stream -> leave(shard, stream));
    }

    private static Flux<DataBuffer> events(ShardWatches shard, WatchStream stream) {
        // The stream respects the demand, so nothing needs buffering.
        return shard.begin(stream).thenMany(Flux.create(stream::attach, OverflowStrategy.ERROR));
    }

    private WatchStream enter(
            ShardWatches shard, List<CounterId> ids, long[] versions, boolean required, Int64Form form) {
        if (open.incrementAndGet() > properties.streamsMax()) {
            open.decrementAndGet();
            throw new ProblemException(
                    ProblemType.OVERLOADED, properties.streamsMax() + " streams are already open on this instance.");
        }
        List<WatchedCounter> watched = new ArrayList<>(ids.size());
        WatchStream stream =
                new WatchStream(watched, versions.clone(), required, form, callerExecutor.current(), events);
        ids.forEach(id -> watched.add(shard.join(id, stream)));
        streams.add(stream);
        if (stopping) {
            stream.end();
        }
        return stream;
    }

    private void leave(ShardWatches shard, WatchStream stream) {
        streams.remove(stream);
        shard.leave(stream);
        open.decrementAndGet();
    }

    /** Polls all watched counters. */
    @Scheduled(fixedRateString = "${tally.watch.interval:250ms}")
    Mono<Void> poll() {
        return polls.start();
    }

    @Override
    public List<Lane<?, ?>> lanes() {
        return shards.all().stream().<Lane<?, ?>>map(ShardWatches::lane).toList();
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
        shards.all().forEach(ShardWatches::stop);
        streams.forEach(WatchStream::end);
    }
}
