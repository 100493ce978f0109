package io.tally.ranking;

import io.tally.counter.Outcome.Overloaded;
import io.tally.counter.Outcome.Refusal;
import io.tally.counter.Outcome.StoreUnavailable;
import io.tally.pipeline.Flush;
import io.tally.pipeline.StoreFailure;
import io.tally.pipeline.StoreFailure.Kind;
import io.tally.pipeline.Waiter;
import io.tally.ranking.Standing.Unread;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** Brings orders up to date, each once for all who asked for it meanwhile. */
final class Refresher implements Flush<String, Standing> {

    private static final Logger log = LoggerFactory.getLogger(Refresher.class);

    private final Ranking ranking;
    private volatile boolean storeAnswers = true;

    Refresher(Ranking ranking) {
        this.ranking = ranking;
    }

    @Override
    public Mono<Void> flush(List<Waiter<String, Standing>> waiters) {
        Map<String, List<Waiter<String, Standing>>> byNamespace = waiters.stream()
                .collect(Collectors.groupingBy(Waiter::request, LinkedHashMap::new, Collectors.toList()));
        return Flux.fromIterable(byNamespace.entrySet())
                .concatMap(asked -> standing(asked.getKey())
                        .doOnNext(standing -> asked.getValue().forEach(waiter -> waiter.answer(standing))))
                .then();
    }

    private Mono<Standing> standing(String namespace) {
        return ranking.refresh(namespace).doOnNext(standing -> read()).onErrorResume(StoreFailure.class, this::unread);
    }

    private void read() {
        if (!storeAnswers) {
            storeAnswers = true;
            log.info("Orders can be brought up to date again");
        }
    }

    private Mono<Standing> unread(StoreFailure failure) {
        if (storeAnswers) {
            storeAnswers = false;
            log.warn("Orders cannot be brought up to date: {}", failure.getMessage());
        }
        return Mono.just(new Unread(failure.kind() == Kind.BUSY ? new Overloaded() : new StoreUnavailable()));
    }

    @Override
    public Standing refused(Refusal refusal) {
        return new Unread(refusal);
    }

    @Override
    public Standing abandoned() {
        return new Unread(new StoreUnavailable());
    }

    @Override
    public Mono<Void> close() {
        return ranking.close();
    }

    @Override
    public boolean storeAnswers() {
        return storeAnswers;
    }
}
