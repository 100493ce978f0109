package io.tally.pipeline;

import io.tally.counter.Counter;
import io.tally.counter.CounterId;
import io.tally.counter.Operation;
import io.tally.counter.Outcome;
import io.tally.counter.Outcome.ConstraintViolated;
import io.tally.counter.Outcome.Refusal;
import io.tally.counter.Outcome.StoreUnavailable;
import io.tally.counter.Outcome.Unknown;
import io.tally.pipeline.Batch.Group;
import io.tally.pipeline.CounterStore.Added;
import io.tally.pipeline.CounterStore.Fence;
import io.tally.pipeline.CounterStore.Level;
import io.tally.pipeline.CounterStore.Settlement;
import io.tally.pipeline.CounterStore.Settlement.Committed;
import io.tally.pipeline.CounterStore.Settlement.NotCommitted;
import io.tally.pipeline.CounterStore.Settlement.WriterGone;
import io.tally.pipeline.CounterStore.Sum;
import io.tally.pipeline.CounterStore.Writes;
import io.tally.pipeline.LaneMetrics.Path;
import io.tally.pipeline.LaneMetrics.Recovery;
import io.tally.pipeline.StoreFailure.Cause;
import io.tally.pipeline.StoreFailure.Kind;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.util.retry.Retry;
import reactor.util.retry.RetryBackoffSpec;

/**
 * Writes the batches of one lane and answers those who wait for them. Used by its lane only, one batch at a time; state
 * passes from one batch to the next through the lane's own ordering.
 */
final class BatchWriter implements Flush<Operation, Outcome> {
    /*
     * Exactly once
     *
     * A lane is a writer: a row in the database with the sequence of the last batch it committed. A batch carries the next
     * sequence, and its statement does nothing where the row is not just before it. So a batch can be committed once, and
     * whoever doubts whether it was can ask the row.
     *
     *   sent, answered            the answer is the truth; answer the callers
     *   sent, rolled back         nothing was applied; the same sequence is sent again
     *   sent, connection lost     settle: either the row has the sequence, and holds what the callers are to be told, or it
     *                             is moved past the sequence, after which the lost batch can never commit, and the
     *                             operations are sent again as a new one
     *   settle does not succeed   the callers are told that the outcome is unknown; the lane goes on as a new writer
     *
     * Retries live here, above the statement and below the callers: a caller's own retry would enter the operation twice.
     *
     * Two ways to write
     *
     * What cannot be refused is summed and added in one statement. Everything that depends on the state it finds (a bound, a
     * precondition, the end of 64 bits) is decided by the Resolver on rows under lock. The fast statement leaves out counters
     * it must not touch; these go the other way and are remembered.
     */

    private static final Logger log = LoggerFactory.getLogger(BatchWriter.class);

    private static final Duration BACKOFF_MIN = Duration.ofMillis(5);
    private static final Duration BACKOFF_MAX = Duration.ofMillis(500);
    private static final int BOUNDED_REMEMBERED_MAX = 10_000;

    private final int lane;
    private final Writes store;
    private final PipelineProperties limits;
    private final Ledger ledger;
    private final LaneMetrics metrics;
    private final LongSupplier nanoClock;
    private final RecentSet<CounterId> bounded = new RecentSet<>(BOUNDED_REMEMBERED_MAX);

    private @Nullable Long writer;
    private long sequence;
    private volatile @Nullable String trouble;

    BatchWriter(
            int lane,
            Writes store,
            PipelineProperties limits,
            Ledger ledger,
            LaneMetrics metrics,
            LongSupplier nanoClock) {
        this.lane = lane;
        this.store = store;
        this.limits = limits;
        this.ledger = ledger;
        this.metrics = metrics;
        this.nanoClock = nanoClock;
    }

    @Override
    public Mono<Void> flush(List<Waiter<Operation, Outcome>> waiters) {
        Batch batch = Coalescer.coalesce(waiters, bounded::contains);
        return Flux.concat(
                        Flux.fromIterable(slices(batch.unconditional())).concatMap(this::add),
                        Flux.fromIterable(slices(batch.conditional())).concatMap(this::resolveGroups))
                .then();
    }

    @Override
    public Outcome refused(Refusal refusal) {
        return refusal;
    }

    @Override
    public Outcome abandoned() {
        return new Unknown();
    }

    @Override
    public boolean storeAnswers() {
        return trouble == null;
    }

    /** What keeps this lane from writing, or {@code null} where nothing does. Any thread. */
    @Nullable
    String trouble() {
        return trouble;
    }

    /** Retires the writer and closes the connection. */
    @Override
    public Mono<Void> close() {
        Long retiring = writer;
        Mono<Void> retired =
                retiring == null ? Mono.empty() : store.retire(retiring).doOnSuccess(nothing -> ledger.close(retiring));
        return retired.onErrorResume(StoreFailure.class, failure -> {
                    log.warn("Writer {} could not be retired: {}", retiring, failure.getMessage());
                    return Mono.empty();
                })
                .then(store.close());
    }

    private List<List<Group>> slices(List<Group> groups) {
        List<List<Group>> slices = new ArrayList<>();
        for (int from = 0; from < groups.size(); from += limits.batchCountersMax()) {
            slices.add(groups.subList(from, Math.min(from + limits.batchCountersMax(), groups.size())));
        }
        return slices;
    }

    // ---- the fast way: sums ----------------------------------------------------------------------------------------

    private Mono<Void> add(List<Group> groups) {
        Addition addition = new Addition(groups);
        return written(addition)
                .map(added -> answer(groups, added))
                .flatMap(this::resolveGroups)
                .onErrorResume(
                        StoreFailure.class,
                        failure -> failure.kind() == Kind.BAD_OPERATION
                                ? resolveGroups(groups)
                                : giveUp(waitersOf(groups), failure));
    }

    /** Answers those that were added and returns the others. */
    private List<Group> answer(List<Group> groups, Added added) {
        List<Group> leftOut = new ArrayList<>(0);
        for (int i = 0; i < groups.size(); i++) {
            Group group = groups.get(i);
            Level level = added.levels().get(i);
            if (level == null) {
                bounded.add(group.counter());
                leftOut.add(group);
            } else {
                group.answer(level);
            }
        }
        return leftOut;
    }

    // ---- the other way: decisions under lock -----------------------------------------------------------------------

    private Mono<Void> resolveGroups(List<Group> groups) {
        return groups.isEmpty() ? Mono.empty() : resolve(waitersOf(groups));
    }

    private Mono<Void> resolve(List<Waiter<Operation, Outcome>> waiters) {
        return written(new Decisions(waiters))
                .doOnNext(resolution -> answer(waiters, resolution))
                .then()
                .onErrorResume(
                        StoreFailure.class,
                        failure -> failure.kind() == Kind.BAD_OPERATION
                                ? isolate(waiters, failure)
                                : giveUp(waiters, failure));
    }

    private void answer(List<Waiter<Operation, Outcome>> waiters, Resolution resolution) {
        resolution.changes().forEach(this::remember);
        for (int i = 0; i < waiters.size(); i++) {
            waiters.get(i).answer(resolution.outcomes().get(i));
        }
    }

    private void remember(Resolution.Change change) {
        Counter after = change.after();
        if (after != null && after.bounds().any()) {
            bounded.add(change.counter());
        } else {
            bounded.remove(change.counter());
        }
    }

    /** Halves until the one that the database refuses stands alone; all others are applied. */
    private Mono<Void> isolate(List<Waiter<Operation, Outcome>> waiters, StoreFailure failure) {
        if (waiters.size() == 1) {
            log.warn("The database refused an operation: {}", failure.getMessage());
            waiters.getFirst().answer(new ConstraintViolated());
            return Mono.empty();
        }
        int half = waiters.size() / 2;
        return resolve(waiters.subList(0, half)).then(Mono.defer(() -> resolve(waiters.subList(half, waiters.size()))));
    }

    // ---- both: send, settle, send again ----------------------------------------------------------------------------

    private <T> Mono<T> written(Shipment<T> shipment) {
        long deadline = nanoClock.getAsLong() + limits.waitMax().toNanos();
        return Mono.defer(this::nextFence)
                .flatMap(fence -> sent(shipment, fence))
                .retryWhen(backoff(StoreFailure::mayBeSentAgain, deadline));
    }

    private Mono<Fence> nextFence() {
        Mono<Long> current = writer == null ? store.register().doOnNext(this::become) : Mono.just(writer);
        return current.map(id -> new Fence(id, sequence + 1));
    }

    private void become(long registered) {
        writer = registered;
        sequence = 0;
        ledger.open(registered);
    }

    private <T> Mono<T> sent(Shipment<T> shipment, Fence fence) {
        long start = nanoClock.getAsLong();
        return shipment.send(fence)
                .onErrorResume(
                        StoreFailure.class,
                        failure -> failure.kind() == Kind.UNKNOWN
                                ? settled(shipment, fence, failure)
                                : Mono.error(failure))
                .doOnNext(result -> committed(shipment, fence, result, nanoClock.getAsLong() - start))
                .doOnError(StoreFailure.class, this::failed);
    }

    private <T> void committed(Shipment<T> shipment, Fence fence, T result, long nanos) {
        trouble = null;
        Written written = shipment.written(result);
        if (written.fenceUsed()) {
            sequence = fence.sequence();
        }
        ledger.acknowledge(fence.writer(), written.operations());
        metrics.acknowledged(lane, written.operations(), written.magnitude());
        metrics.written(lane, shipment.path(), shipment.operations(), shipment.counters(), nanos);
    }

    private void failed(StoreFailure failure) {
        switch (failure.kind()) {
            case FENCED -> {
                log.warn("Writer {} of lane {} is not as it was left; going on as a new one", writer, lane);
                writer = null;
            }
            case UNAVAILABLE, UNKNOWN, FATAL -> trouble = failure.getMessage();
            case CONFLICT, BAD_OPERATION -> {}
        }
    }

    private <T> Mono<T> settled(Shipment<T> shipment, Fence fence, StoreFailure lost) {
        log.warn("Lane {} lost the answer to batch {}: {}", lane, fence.sequence(), lost.getMessage());
        metrics.commitUnknown();
        trouble = lost.getMessage();
        long deadline = nanoClock.getAsLong() + limits.outcomeMax().toNanos();
        return Mono.defer(() -> store.settle(fence))
                .retryWhen(backoff(failure -> failure.kind() != Kind.FATAL, deadline))
                .onErrorMap(StoreFailure.class, this::givenUp)
                .flatMap(settlement -> settled(shipment, fence, settlement));
    }

    private <T> Mono<T> settled(Shipment<T> shipment, Fence fence, Settlement settlement) {
        return switch (settlement) {
            case Committed committed -> {
                metrics.recovered(Recovery.FOUND_COMMITTED);
                yield Mono.just(shipment.stored(committed.added()));
            }
            case NotCommitted not -> {
                metrics.recovered(Recovery.SENT_AGAIN);
                sequence = fence.sequence();
                yield Mono.error(new StoreFailure(Kind.CONFLICT, Cause.CONNECTION, "the lost batch was not committed"));
            }
            case WriterGone gone ->
                Mono.error(givenUp(new StoreFailure(Kind.UNKNOWN, Cause.CONNECTION, "the writer's row is gone")));
        };
    }

    private StoreFailure givenUp(StoreFailure failure) {
        metrics.recovered(Recovery.GIVEN_UP);
        writer = null;
        return new StoreFailure(
                Kind.UNKNOWN, Cause.CONNECTION, "the outcome could not be learnt: " + failure.getMessage(), failure);
    }

    private RetryBackoffSpec backoff(Predicate<StoreFailure> worthwhile, long deadline) {
        return Retry.backoff(Long.MAX_VALUE, BACKOFF_MIN)
                .maxBackoff(BACKOFF_MAX)
                .jitter(0.5)
                .filter(failure -> failure instanceof StoreFailure known
                        && worthwhile.test(known)
                        && nanoClock.getAsLong() - deadline < 0)
                .doBeforeRetry(signal -> metrics.retried(((StoreFailure) signal.failure()).reason()));
    }

    private Mono<Void> giveUp(List<Waiter<Operation, Outcome>> waiters, StoreFailure failure) {
        log.warn("Lane {} answers {} operations without success: {}", lane, waiters.size(), failure.getMessage());
        Outcome outcome = failure.kind() == Kind.UNKNOWN ? new Unknown() : new StoreUnavailable();
        waiters.forEach(waiter -> waiter.answer(outcome));
        return Mono.empty();
    }

    private static List<Waiter<Operation, Outcome>> waitersOf(List<Group> groups) {
        return groups.stream().flatMap(group -> group.waiters().stream()).toList();
    }

    /** What is sent under one fence, and how its result reads. */
    private interface Shipment<T> {

        Path path();

        int operations();

        int counters();

        Mono<T> send(Fence fence);

        /** The result, from what was stored with a commit whose answer was lost. */
        T stored(Added added);

        Written written(T result);
    }

    /** What a result says was written. */
    private record Written(boolean fenceUsed, int operations, double magnitude) {}

    private final class Addition implements Shipment<Added> {

        private final List<Group> groups;
        private final List<Sum> sums;

        Addition(List<Group> groups) {
            this.groups = groups;
            this.sums = groups.stream().map(Group::sum).toList();
        }

        @Override
        public Path path() {
            return Path.FAST;
        }

        @Override
        public int operations() {
            return sums.stream().mapToInt(Sum::operations).sum();
        }

        @Override
        public int counters() {
            return sums.size();
        }

        @Override
        public Mono<Added> send(Fence fence) {
            return store.add(fence, sums);
        }

        @Override
        public Added stored(Added added) {
            return added;
        }

        @Override
        public Written written(Added added) {
            int operations = 0;
            double magnitude = 0;
            for (int i = 0; i < groups.size(); i++) {
                if (added.levels().get(i) != null) {
                    operations += groups.get(i).waiters().size();
                    magnitude += groups.get(i).magnitude();
                }
            }
            return new Written(true, operations, magnitude);
        }
    }

    private final class Decisions implements Shipment<Resolution> {

        private final List<Operation> operations;
        private final List<CounterId> counters;
        private @Nullable Resolution decided;

        Decisions(List<Waiter<Operation, Outcome>> waiters) {
            this.operations = waiters.stream().map(Waiter::request).toList();
            this.counters =
                    operations.stream().map(Operation::counter).distinct().toList();
        }

        @Override
        public Path path() {
            return Path.CONDITIONAL;
        }

        @Override
        public int operations() {
            return operations.size();
        }

        @Override
        public int counters() {
            return counters.size();
        }

        @Override
        public Mono<Resolution> send(Fence fence) {
            return store.resolve(fence, counters, states -> {
                Resolution resolution = Resolver.resolve(states, operations);
                decided = resolution;
                return resolution;
            });
        }

        @Override
        public Resolution stored(Added added) {
            // One fence, one attempt: the last decision is the one that was committed.
            if (decided == null) {
                throw new IllegalStateException("committed, but never decided");
            }
            return decided;
        }

        @Override
        public Written written(Resolution resolution) {
            return new Written(resolution.operations() > 0, resolution.operations(), resolution.magnitude());
        }
    }
}
