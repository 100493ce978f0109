package io.tally.pipeline;

import io.tally.counter.Counter;
import io.tally.counter.CounterId;
import io.tally.counter.Outcome;
import io.tally.counter.Outcome.ConstraintViolated;
import io.tally.counter.Outcome.Found;
import io.tally.counter.Outcome.NotFound;
import io.tally.counter.Outcome.Overloaded;
import io.tally.counter.Outcome.StoreUnavailable;
import io.tally.lane.BatchHandler;
import io.tally.lane.PendingRequest;
import io.tally.pipeline.StoreFailure.Kind;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Mono;

/**
 * Reads the counters that a lane's requests ask for, each once. A batch is cut after all its requests have arrived and
 * is read after that, so no caller sees a state older than what was acknowledged before its request.
 */
final class CounterReader implements BatchHandler<CounterId, Outcome> {

    private static final Logger log = LoggerFactory.getLogger(CounterReader.class);

    private final CounterStore store;
    private final Duration waitMax;
    private final LongSupplier nanoClock;
    private volatile boolean available = true;

    /** @param waitMax the time for which a batch is retried */
    CounterReader(CounterStore store, Duration waitMax, LongSupplier nanoClock) {
        this.store = store;
        this.waitMax = waitMax;
        this.nanoClock = nanoClock;
    }

    @Override
    public Mono<Void> handle(List<PendingRequest<CounterId, Outcome>> requests) {
        Map<CounterId, List<PendingRequest<CounterId, Outcome>>> byCounter =
                requests.stream().collect(Collectors.groupingBy(PendingRequest::request));
        long deadline = nanoClock.getAsLong() + waitMax.toNanos();
        return new Bisection<CounterId>(
                        ids -> read(ids, deadline)
                                .doOnNext(found -> answer(ids, found, byCounter))
                                .then(),
                        StoreFailure::isRefusal,
                        (id, refusal) -> answer(byCounter.getOrDefault(id, List.of()), outcome(refusal)))
                .of(List.copyOf(byCounter.keySet()))
                .onErrorResume(StoreFailure.class, failure -> refuse(requests, failure));
    }

    private Mono<Map<CounterId, Counter>> read(List<CounterId> ids, long deadline) {
        return Mono.defer(() -> store.read(ids))
                .retryWhen(StoreRetry.read(failure -> isRetried(failure) && nanoClock.getAsLong() - deadline < 0));
    }

    private static boolean isRetried(StoreFailure failure) {
        return !failure.isRefusal() && failure.kind() != Kind.FATAL;
    }

    private void answer(
            List<CounterId> ids,
            Map<CounterId, Counter> found,
            Map<CounterId, List<PendingRequest<CounterId, Outcome>>> byCounter) {
        for (CounterId id : ids) {
            Counter counter = found.get(id);
            answer(byCounter.getOrDefault(id, List.of()), counter == null ? new NotFound() : new Found(counter));
        }
    }

    private void answer(List<PendingRequest<CounterId, Outcome>> requests, Outcome outcome) {
        if (!available) {
            available = true;
            log.info("Counters can be read again");
        }
        requests.forEach(pending -> pending.answer(outcome));
    }

    /** A counter whose name the database cannot store does not exist. */
    private static Outcome outcome(StoreFailure refusal) {
        if (StoreFailure.isUnstorable(refusal)) {
            return new NotFound();
        }
        log.warn("The database rejected a read: {}", refusal.getMessage());
        return new ConstraintViolated();
    }

    private Mono<Void> refuse(List<PendingRequest<CounterId, Outcome>> requests, StoreFailure failure) {
        if (available) {
            available = false;
            log.warn("Counters cannot be read; reads get 503 store-unavailable: {}", failure.getMessage());
        }
        requests.forEach(pending -> pending.answer(new StoreUnavailable()));
        return Mono.empty();
    }

    @Override
    public Refusals<Outcome> refusals() {
        return new Refusals<>(new Overloaded(), new StoreUnavailable(), new StoreUnavailable());
    }

    @Override
    public boolean isAvailable() {
        return available;
    }
}
