package io.tally.lab;

import io.tally.lab.LabDatabase.Counted;
import io.tally.lab.LabDatabase.Worker;
import io.tally.pipeline.StoreFailure;
import io.tally.pipeline.StoreFailure.Kind;
import io.tally.postgres.LaneConnection;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.function.IntFunction;
import reactor.core.publisher.Mono;
import reactor.util.retry.Retry;

/**
 * What handles the requests of an application, one after the other, each in one of the
 * {@link PostgresCountingStrategies}.
 */
final class PostgresLabWorker implements Worker {

    /** How often those ways that try again do so, each time at once. */
    private static final int RETRIES_MAX = 100;

    private final Function<String, Mono<Void>> way;
    private final IntFunction<String> names;
    private final int retriesMax;

    /**
     * A worker that counts that way.
     *
     * @param way fails with {@link StoreFailure} only
     * @param names of the counters
     * @param retriesMax the most retries of an increment that met a conflict, each at once
     */
    PostgresLabWorker(Function<String, Mono<Void>> way, IntFunction<String> names, int retriesMax) {
        this.way = way;
        this.names = names;
        this.retriesMax = retriesMax;
    }

    /** One with a connection. */
    static PostgresLabWorker of(LaneConnection connection, Strategy strategy, IntFunction<String> names) {
        return new PostgresLabWorker(
                post -> connection.use(open ->
                        new PostgresCountingStrategies(open).of(strategy).apply(post)),
                names,
                retriesConflicts(strategy) ? RETRIES_MAX : 0);
    }

    private static boolean retriesConflicts(Strategy strategy) {
        return strategy == Strategy.OPTIMISTIC || strategy == Strategy.SERIALIZABLE;
    }

    @Override
    public Mono<Counted> count(int counter, BooleanSupplier mayRetry) {
        AtomicInteger retries = new AtomicInteger();
        return Mono.defer(() -> way.apply(names.apply(counter)))
                .retryWhen(Retry.max(retriesMax)
                        .filter(failure -> is(Kind.CONFLICT, failure) && mayRetry.getAsBoolean())
                        .doBeforeRetry(signal -> retries.incrementAndGet())
                        .onRetryExhaustedThrow((spec, signal) -> signal.failure()))
                .then(Mono.fromSupplier(() -> new Counted(true, retries.get())))
                .onErrorResume(PostgresLabWorker::wasRefused, failure -> refused(failure, retries.get()));
    }

    /** One that was broken off on the way is no answer to its caller. */
    private Mono<Counted> refused(Throwable failure, int retries) {
        return is(Kind.CONFLICT, failure) && retries < retriesMax
                ? Mono.empty()
                : Mono.just(new Counted(false, retries));
    }

    private static boolean is(Kind kind, Throwable failure) {
        return failure instanceof StoreFailure known && known.kind() == kind;
    }

    private static boolean wasRefused(Throwable failure) {
        return is(Kind.CONFLICT, failure) || is(Kind.BAD_OPERATION, failure);
    }
}
