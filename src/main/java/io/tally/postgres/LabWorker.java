package io.tally.postgres;

import io.r2dbc.postgresql.api.PostgresqlConnection;
import io.tally.lab.LabDatabase.Counted;
import io.tally.lab.LabDatabase.Worker;
import io.tally.lab.Strategy;
import io.tally.pipeline.StoreFailure;
import io.tally.pipeline.StoreFailure.Kind;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.function.IntFunction;
import reactor.core.publisher.Mono;
import reactor.util.retry.Retry;

/** What handles the requests of an application, one after the other, each in one of the {@link LabWays}. */
final class LabWorker implements Worker {

    /** How often those ways that try again do so, each time at once. */
    static final int RETRIES_MAX = 100;

    private final Function<String, Mono<Void>> way;
    private final IntFunction<String> names;
    private final Duration answerMax;
    private final int retriesMax;

    /**
     * One with that connection.
     *
     * @param names of the counters
     * @param answerMax the longest one try may take
     */
    LabWorker(PostgresqlConnection connection, Strategy strategy, IntFunction<String> names, Duration answerMax) {
        this.way = new LabWays(connection).of(strategy);
        this.names = names;
        this.answerMax = answerMax;
        this.retriesMax = triesAgain(strategy) ? RETRIES_MAX : 0;
    }

    private static boolean triesAgain(Strategy strategy) {
        return strategy == Strategy.OPTIMISTIC || strategy == Strategy.SERIALIZABLE;
    }

    @Override
    public Mono<Counted> count(int counter) {
        AtomicInteger retries = new AtomicInteger();
        return Mono.defer(() -> way.apply(names.apply(counter)))
                .timeout(answerMax, SqlStates.noAnswer(answerMax))
                .onErrorMap(SqlStates::inFlight)
                .retryWhen(Retry.max(retriesMax)
                        .filter(failure -> failure instanceof StoreFailure known && known.kind() == Kind.CONFLICT)
                        .doBeforeRetry(signal -> retries.incrementAndGet())
                        .onRetryExhaustedThrow((spec, signal) -> signal.failure()))
                .then(Mono.fromSupplier(() -> new Counted(true, retries.get())))
                .onErrorResume(LabWorker::wasRefused, failure -> Mono.just(new Counted(false, retries.get())));
    }

    private static boolean wasRefused(Throwable failure) {
        return failure instanceof StoreFailure known
                && (known.kind() == Kind.CONFLICT || known.kind() == Kind.BAD_OPERATION);
    }
}
