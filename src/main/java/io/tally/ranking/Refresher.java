package io.tally.ranking;

import io.tally.counter.Outcome.ConstraintViolated;
import io.tally.counter.Outcome.Overloaded;
import io.tally.counter.Outcome.Refusal;
import io.tally.counter.Outcome.StoreUnavailable;
import io.tally.lane.BatchHandler;
import io.tally.lane.PendingRequest;
import io.tally.pipeline.StoreFailure;
import io.tally.ranking.RankingState.Unread;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** Refreshes orders, each once for all requests of a batch. */
final class Refresher implements BatchHandler<String, RankingState> {

    private static final Logger log = LoggerFactory.getLogger(Refresher.class);

    private final Ranking ranking;
    private volatile boolean available = true;

    Refresher(Ranking ranking) {
        this.ranking = ranking;
    }

    @Override
    public Mono<Void> handle(List<PendingRequest<String, RankingState>> requests) {
        Map<String, List<PendingRequest<String, RankingState>>> byNamespace = requests.stream()
                .collect(Collectors.groupingBy(PendingRequest::request, LinkedHashMap::new, Collectors.toList()));
        return Flux.fromIterable(byNamespace.entrySet())
                .concatMap(group -> state(group.getKey())
                        .doOnNext(state -> group.getValue().forEach(pending -> pending.answer(state))))
                .then();
    }

    private Mono<RankingState> state(String namespace) {
        return ranking.refresh(namespace).doOnNext(state -> read()).onErrorResume(StoreFailure.class, this::unread);
    }

    private void read() {
        if (!available) {
            available = true;
            log.info("Orders can be refreshed again");
        }
    }

    private Mono<RankingState> unread(StoreFailure failure) {
        if (available) {
            available = false;
            log.warn("Orders cannot be refreshed; lists by value and growth fail: {}", failure.getMessage());
        }
        return Mono.just(new Unread(refusal(failure)));
    }

    private static Refusal refusal(StoreFailure failure) {
        return switch (failure.kind()) {
            case BUSY -> new Overloaded();
            case BAD_OPERATION, UNSTORABLE -> new ConstraintViolated();
            case CONFLICT, FENCED, UNAVAILABLE, UNKNOWN, FATAL -> new StoreUnavailable();
        };
    }

    @Override
    public Refusals<RankingState> refusals() {
        return new Refusals<>(
                new Unread(new Overloaded()), new Unread(new StoreUnavailable()), new Unread(new StoreUnavailable()));
    }

    @Override
    public Mono<Void> close() {
        return ranking.close();
    }

    @Override
    public boolean isAvailable() {
        return available;
    }
}
