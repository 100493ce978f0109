package io.tally.watch;

import io.tally.http.ResponseJson;
import io.tally.lane.BatchHandler;
import io.tally.lane.PendingRequest;
import io.tally.pipeline.Bisection;
import io.tally.pipeline.StoreFailure;
import io.tally.pipeline.StoreRetry;
import io.tally.watch.Changes.Change;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Polls counters, one poll at a time, updates their states and wakes the streams that watch them. A poll that began
 * later ends later, so no counter goes back to an older state.
 */
final class WatchPoller implements BatchHandler<WatchPoller.PollRequest, WatchPoller.PollResult> {

    private static final Logger log = LoggerFactory.getLogger(WatchPoller.class);

    /** The maximum of counters in one statement, which then takes some tens of milliseconds. */
    static final int KEYS_MAX = 5_000;

    /** The counters to poll. */
    record PollRequest(List<WatchedCounter> counters) {}

    enum PollResult {
        /** The states of the counters are no older than the request. */
        DONE,
        /** The database did not answer in time. */
        FAILED
    }

    private final Changes changes;
    private final ResponseJson json;
    private final Duration waitMax;
    private final LongSupplier nanoClock;
    private final Bisection<WatchedCounter> polls =
            new Bisection<>(this::poll, StoreFailure::isRefusal, this::leaveOut);
    private volatile boolean available = true;
    private volatile boolean stopping;

    /** @param waitMax the time for which a poll is retried */
    WatchPoller(Changes changes, ResponseJson json, Duration waitMax, LongSupplier nanoClock) {
        this.changes = changes;
        this.json = json;
        this.waitMax = waitMax;
        this.nanoClock = nanoClock;
    }

    /** Stops retrying. */
    void stop() {
        stopping = true;
    }

    @Override
    public Mono<Void> handle(List<PendingRequest<PollRequest, PollResult>> requests) {
        Set<WatchedCounter> counters = new LinkedHashSet<>();
        requests.forEach(pending -> counters.addAll(pending.request().counters()));
        counters.removeIf(WatchedCounter::cannotExist);
        long deadline = nanoClock.getAsLong() + waitMax.toNanos();
        return Flux.fromIterable(slices(List.copyOf(counters)))
                .concatMap(polls::of)
                .then()
                .retryWhen(StoreRetry.read(failure -> !stopping && nanoClock.getAsLong() - deadline < 0))
                .then(Mono.<Void>fromRunnable(() -> succeed(requests)))
                .onErrorResume(StoreFailure.class, failure -> fail(requests, failure));
    }

    static List<List<WatchedCounter>> slices(List<WatchedCounter> counters) {
        List<List<WatchedCounter>> slices = new ArrayList<>();
        for (int from = 0; from < counters.size(); from += KEYS_MAX) {
            slices.add(counters.subList(from, Math.min(from + KEYS_MAX, counters.size())));
        }
        return slices;
    }

    private Mono<Void> poll(List<WatchedCounter> counters) {
        return changes.since(counters.stream().map(WatchedCounter::seen).toList())
                .doOnNext(found -> update(counters, found))
                .then();
    }

    private void leaveOut(WatchedCounter counter, StoreFailure failure) {
        if (StoreFailure.isUnstorable(failure)) {
            ruleOut(counter);
        } else if (counter.becomeUnreadable()) {
            log.warn("A watched counter cannot be read; its streams wait: {}", failure.getMessage());
        }
    }

    /** The database cannot store the name, so the counter does not exist, and no poll reads it again. */
    private void ruleOut(WatchedCounter counter) {
        counter.ruleOut(State.of(counter.id(), null, json));
        counter.streams().forEach(WatchStream::wake);
    }

    private void update(List<WatchedCounter> counters, List<Change> found) {
        // Wakes a stream once, even if it watches several of them.
        Set<WatchStream> woken = new HashSet<>();
        for (Change change : found) {
            WatchedCounter counter = counters.get(change.place());
            counter.become(State.of(counter.id(), change.counter(), json));
            woken.addAll(counter.streams());
        }
        woken.forEach(WatchStream::wake);
    }

    private void succeed(List<PendingRequest<PollRequest, PollResult>> requests) {
        if (!available) {
            available = true;
            log.info("Watched counters can be read again");
        }
        requests.forEach(pending -> pending.answer(PollResult.DONE));
    }

    private Mono<Void> fail(List<PendingRequest<PollRequest, PollResult>> requests, StoreFailure failure) {
        if (available) {
            available = false;
            log.warn("Watched counters cannot be read; their streams wait: {}", failure.getMessage());
        }
        requests.forEach(pending -> pending.answer(PollResult.FAILED));
        return Mono.empty();
    }

    @Override
    public Refusals<PollResult> refusals() {
        return new Refusals<>(PollResult.FAILED, PollResult.FAILED, PollResult.FAILED);
    }

    @Override
    public boolean isAvailable() {
        return available;
    }
}
