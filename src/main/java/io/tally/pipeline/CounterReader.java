package io.tally.pipeline;

import io.tally.counter.Counter;
import io.tally.counter.CounterId;
import io.tally.counter.Outcome;
import io.tally.counter.Outcome.Found;
import io.tally.counter.Outcome.NotFound;
import io.tally.counter.Outcome.Refusal;
import io.tally.counter.Outcome.StoreUnavailable;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Mono;
import reactor.util.retry.Retry;

/**
 * Reads the counters that a lane's waiters ask for, each once. A batch is cut after everybody in it arrived and read after
 * that, so nobody sees a state older than what was acknowledged before they asked.
 */
final class CounterReader implements Flush<CounterId, Outcome> {

    private static final Logger log = LoggerFactory.getLogger(CounterReader.class);

    private static final Duration BACKOFF_MIN = Duration.ofMillis(50);
    private static final Duration BACKOFF_MAX = Duration.ofMillis(500);

    private final CounterStore store;
    private final Duration waitMax;
    private final LongSupplier nanoClock;
    private volatile boolean storeAnswers = true;

    /** @param waitMax how long a batch is tried again */
    CounterReader(CounterStore store, Duration waitMax, LongSupplier nanoClock) {
        this.store = store;
        this.waitMax = waitMax;
        this.nanoClock = nanoClock;
    }

    @Override
    public Mono<Void> flush(List<Waiter<CounterId, Outcome>> waiters) {
        Set<CounterId> ids = waiters.stream().map(Waiter::request).collect(Collectors.toSet());
        long deadline = nanoClock.getAsLong() + waitMax.toNanos();
        return Mono.defer(() -> store.read(ids))
                .retryWhen(Retry.backoff(Long.MAX_VALUE, BACKOFF_MIN)
                        .maxBackoff(BACKOFF_MAX)
                        .filter(failure -> failure instanceof StoreFailure && nanoClock.getAsLong() - deadline < 0))
                .doOnNext(counters -> answer(waiters, counters))
                .then()
                .onErrorResume(StoreFailure.class, failure -> refuse(waiters, failure));
    }

    private void answer(List<Waiter<CounterId, Outcome>> waiters, Map<CounterId, Counter> counters) {
        storeAnswers = true;
        for (Waiter<CounterId, Outcome> waiter : waiters) {
            Counter counter = counters.get(waiter.request());
            waiter.answer(counter == null ? new NotFound() : new Found(counter));
        }
    }

    private Mono<Void> refuse(List<Waiter<CounterId, Outcome>> waiters, StoreFailure failure) {
        storeAnswers = false;
        log.warn("{} reads failed: {}", waiters.size(), failure.getMessage());
        waiters.forEach(waiter -> waiter.answer(new StoreUnavailable()));
        return Mono.empty();
    }

    @Override
    public Outcome refused(Refusal refusal) {
        return refusal;
    }

    @Override
    public Outcome abandoned() {
        return new StoreUnavailable();
    }

    @Override
    public boolean storeAnswers() {
        return storeAnswers;
    }
}
