package io.tally.pipeline;

import io.tally.counter.CounterId;
import io.tally.counter.Outcome;
import io.tally.counter.Outcome.ConstraintViolated;
import io.tally.counter.Outcome.Overloaded;
import io.tally.counter.Outcome.StoreUnavailable;
import io.tally.lane.BatchHandler;
import io.tally.lane.PendingRequest;
import io.tally.pipeline.StoreFailure.Kind;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Reads the counters that a lane's queries ask for, each once in a statement. A batch is cut after all its queries have
 * arrived and is read after that, so no caller sees a state older than what was acknowledged before its query. The
 * counters of one query are in one statement, and so in one snapshot.
 */
final class CounterReader implements BatchHandler<CounterQuery, Outcome> {

    private static final Logger log = LoggerFactory.getLogger(CounterReader.class);

    private final CounterStore store;
    private final int countersMax;
    private final Duration waitMax;
    private final LongSupplier nanoClock;
    private volatile boolean available = true;

    /**
     * A reader for one lane.
     *
     * @param countersMax the number of counters from which a statement takes no further query
     * @param waitMax the time for which a batch is retried
     */
    CounterReader(CounterStore store, int countersMax, Duration waitMax, LongSupplier nanoClock) {
        this.store = store;
        this.countersMax = countersMax;
        this.waitMax = waitMax;
        this.nanoClock = nanoClock;
    }

    @Override
    public Mono<Void> handle(List<PendingRequest<CounterQuery, Outcome>> requests) {
        Map<CounterQuery, List<PendingRequest<CounterQuery, Outcome>>> byQuery =
                requests.stream().collect(Collectors.groupingBy(PendingRequest::request));
        long deadline = nanoClock.getAsLong() + waitMax.toNanos();
        Bisection<CounterQuery> reads = new Bisection<>(
                queries -> read(queries, deadline)
                        .doOnNext(found -> answer(queries, found, byQuery))
                        .then(),
                StoreFailure::isRefusal,
                (query, refusal) -> answer(byQuery.getOrDefault(query, List.of()), outcome(query, refusal)));
        return Flux.fromIterable(parts(byQuery.keySet()))
                .concatMap(reads::of)
                .then()
                .onErrorResume(StoreFailure.class, failure -> refuse(requests, failure));
    }

    /** Divides queries into parts for one statement each. */
    private List<List<CounterQuery>> parts(Collection<CounterQuery> queries) {
        List<List<CounterQuery>> parts = new ArrayList<>();
        int counters = countersMax;
        for (CounterQuery query : queries) {
            if (counters >= countersMax) {
                parts.add(new ArrayList<>());
                counters = 0;
            }
            parts.getLast().add(query);
            counters += query.counters().size();
        }
        return parts;
    }

    private Mono<StoredState> read(List<CounterQuery> queries, long deadline) {
        Set<CounterId> ids =
                queries.stream().flatMap(query -> query.counters().stream()).collect(Collectors.toSet());
        return Mono.defer(() -> store.read(ids))
                .retryWhen(StoreRetry.read(failure -> isRetried(failure) && nanoClock.getAsLong() - deadline < 0));
    }

    private static boolean isRetried(StoreFailure failure) {
        return !failure.isRefusal() && failure.kind() != Kind.FATAL;
    }

    private void answer(
            List<CounterQuery> queries,
            StoredState found,
            Map<CounterQuery, List<PendingRequest<CounterQuery, Outcome>>> byQuery) {
        for (CounterQuery query : queries) {
            answer(byQuery.getOrDefault(query, List.of()), query.outcome(found));
        }
    }

    private void answer(List<PendingRequest<CounterQuery, Outcome>> requests, Outcome outcome) {
        if (!available) {
            available = true;
            log.info("Counters can be read again");
        }
        requests.forEach(pending -> pending.answer(outcome));
    }

    private static Outcome outcome(CounterQuery query, StoreFailure refusal) {
        if (StoreFailure.isUnstorable(refusal)) {
            return query.unstorable();
        }
        log.warn("The database rejected a read: {}", refusal.getMessage());
        return new ConstraintViolated();
    }

    private Mono<Void> refuse(List<PendingRequest<CounterQuery, Outcome>> requests, StoreFailure failure) {
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
