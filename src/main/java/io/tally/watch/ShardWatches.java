package io.tally.watch;

import io.tally.counter.CounterId;
import io.tally.http.ProblemException;
import io.tally.http.ProblemType;
import io.tally.lane.Lane;
import io.tally.watch.WatchPoller.PollRequest;
import io.tally.watch.WatchPoller.PollResult;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** The watched counters of one shard, and the polls that read them. Safe for use by many threads. */
final class ShardWatches {

    /** The ratio of pauses to polling time. */
    private static final int REST_PER_WORK = 3;

    private final Map<CounterId, WatchedCounter> counters = new ConcurrentHashMap<>();

    /** Streams that started during an outage of the database and have no state yet. */
    private final Set<WatchStream> waiting = ConcurrentHashMap.newKeySet();

    private final WatchPoller poller;
    private final Lane<PollRequest, PollResult> lane;
    private final LongSupplier nanoClock;
    private volatile boolean stopping;

    ShardWatches(WatchPoller poller, Lane<PollRequest, PollResult> lane, LongSupplier nanoClock) {
        this.poller = poller;
        this.lane = lane;
        this.nanoClock = nanoClock;
    }

    Lane<PollRequest, PollResult> lane() {
        return lane;
    }

    /** The number of watched counters. */
    int counters() {
        return counters.size();
    }

    /** Registers a counter for a stream. */
    WatchedCounter join(CounterId id, WatchStream stream) {
        return counters.compute(id, (key, counter) -> {
            WatchedCounter watched = counter == null ? new WatchedCounter(key) : counter;
            watched.streams().add(stream);
            return watched;
        });
    }

    /** Removes the counters of a stream that no other stream watches. */
    void leave(WatchStream stream) {
        waiting.remove(stream);
        stream.counters().forEach(watched -> part(watched.id(), stream));
    }

    private void part(CounterId id, WatchStream stream) {
        counters.computeIfPresent(id, (key, counter) -> {
            counter.streams().remove(stream);
            return counter.streams().isEmpty() ? null : counter;
        });
    }

    /** Polls the counters of a new stream. */
    Mono<PollResult> begin(WatchStream stream) {
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

    /** Polls all watched counters, in one statement or a few, and rests in proportion. */
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

    private static Mono<Void> rest(long workNanos) {
        return Mono.delay(Duration.ofNanos(REST_PER_WORK * workNanos)).then();
    }

    /** Polls no more. */
    void stop() {
        stopping = true;
        poller.stop();
    }
}
