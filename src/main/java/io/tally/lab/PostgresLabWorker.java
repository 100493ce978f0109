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
 * A worker that handles requests like a thread of an application, one at a time, with one of the {@link
 * PostgresCountingStrategies}.
 */
final class PostgresLabWorker implements Worker {

    /** The maximum of immediate retries, for strategies that retry. */
    private static final int RETRIES_MAX = 100;

    private final Function<String, Mono<Void>> way;
    private final IntFunction<String> names;
    private final int retriesMax;

    /**
     * A worker with that strategy.
     *
     * @param way fails with {@link StoreFailure} only
     * @param names the names of the counters
     * @param retriesMax the maximum of immediate retries of an increment after a conflict
     */
    PostgresLabWorker(Function<String, Mono<Void>> way, IntFunction<String> names, int retriesMax) {
        this.way = way;
        this.names = names;
        this.retriesMax = retriesMax;
    }

    /** A worker with a connection. */
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

    /** A failure of unknown outcome is no result for the caller. */
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
