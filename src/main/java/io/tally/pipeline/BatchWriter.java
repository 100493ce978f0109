package io.tally.pipeline;

import io.tally.counter.Command;
import io.tally.counter.Counter;
import io.tally.counter.CounterId;
import io.tally.counter.Outcome;
import io.tally.counter.Outcome.ConstraintViolated;
import io.tally.counter.Outcome.Refusal;
import io.tally.counter.Outcome.StoreUnavailable;
import io.tally.counter.Outcome.Unknown;
import io.tally.pipeline.Batch.Group;
import io.tally.pipeline.Batch.MemberGroup;
import io.tally.pipeline.CounterStore.Added;
import io.tally.pipeline.CounterStore.MoveResult;
import io.tally.pipeline.CounterStore.Writes;
import io.tally.pipeline.StoreFailure.Kind;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** Writes the batches of one lane, by the way that suits each counter, and answers those who wait for them. */
final class BatchWriter implements Flush<Command, Outcome> {
    /*
     * Two ways to write
     *
     * What cannot be refused is summed and added in one statement; members come and go in another. Everything that depends on
     * the state it finds (a bound, a precondition, the end of 64 bits) is decided by the Resolver on rows under lock. The fast
     * statement leaves out counters it must not touch; these go the other way and are remembered.
     *
     * Order
     *
     * All operations of one counter in one batch go the same way, in one statement. Only the Resolver's may have to be divided, and
     * then a later part is not sent for the requests of an array or stream of which an earlier part was refused.
     */

    private static final Logger log = LoggerFactory.getLogger(BatchWriter.class);

    private static final int BOUNDED_REMEMBERED_MAX = 10_000;

    private final Writes store;
    private final FencedWriter writer;
    private final int countersMax;
    private final Duration waitMax;
    private final LongSupplier nanoClock;
    private final RecentSet<CounterId> bounded = new RecentSet<>(BOUNDED_REMEMBERED_MAX);

    /** When what is left of the batch in flight is no longer sent. */
    private long deadline;

    /**
     * The write side of one lane.
     *
     * @param countersMax the most counters in one statement
     * @param waitMax how long a batch is tried, all its statements together
     */
    BatchWriter(Writes store, FencedWriter writer, int countersMax, Duration waitMax, LongSupplier nanoClock) {
        this.store = store;
        this.writer = writer;
        this.countersMax = countersMax;
        this.waitMax = waitMax;
        this.nanoClock = nanoClock;
    }

    @Override
    public Mono<Void> flush(List<Waiter<Command, Outcome>> waiters) {
        deadline = nanoClock.getAsLong() + waitMax.toNanos();
        Batch batch = Coalescer.coalesce(waiters, bounded::contains);
        return Flux.concat(
                        Flux.fromIterable(slices(batch.unconditional())).concatMap(this::add),
                        Flux.fromIterable(slices(batch.members())).concatMap(this::move),
                        Flux.fromIterable(conditionalSlices(batch.conditional()))
                                .concatMap(this::resolve))
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
        return writer.trouble() == null;
    }

    @Override
    public boolean commits() {
        return true;
    }

    @Override
    public Mono<Void> close() {
        return writer.close();
    }

    private <G> List<List<G>> slices(List<G> groups) {
        List<List<G>> slices = new ArrayList<>();
        for (int from = 0; from < groups.size(); from += countersMax) {
            slices.add(groups.subList(from, Math.min(from + countersMax, groups.size())));
        }
        return slices;
    }

    private List<List<Waiter<Command, Outcome>>> conditionalSlices(List<Waiter<Command, Outcome>> waiters) {
        List<List<Waiter<Command, Outcome>>> slices = new ArrayList<>();
        Set<CounterId> counters = new HashSet<>();
        int from = 0;
        for (int i = 0; i < waiters.size(); i++) {
            List<CounterId> own = waiters.get(i).request().operation().counters();
            counters.addAll(own);
            if (counters.size() > countersMax && i > from) {
                slices.add(waiters.subList(from, i));
                from = i;
                counters.clear();
                counters.addAll(own);
            }
        }
        if (from < waiters.size()) {
            slices.add(waiters.subList(from, waiters.size()));
        }
        return slices;
    }

    // ---- the fast way: sums ----------------------------------------------------------------------------------------

    private Mono<Void> add(List<Group> groups) {
        return writer.written(new Addition(store, groups), deadline)
                .map(added -> answer(groups, added))
                .flatMap(this::resolve)
                .onErrorResume(StoreFailure.class, failure -> onFailure(waitersOf(groups), failure));
    }

    /** Answers those that were added and returns the others. */
    private List<Waiter<Command, Outcome>> answer(List<Group> groups, Added added) {
        List<Waiter<Command, Outcome>> leftOut = new ArrayList<>(0);
        int key = 0;
        for (int i = 0; i < groups.size(); i++) {
            Group group = groups.get(i);
            int keys = group.keys();
            List<Waiter<Command, Outcome>> waiting =
                    group.answer(added.levels().get(i), added.keyed().subList(key, key + keys));
            key += keys;
            if (!waiting.isEmpty()) {
                bounded.add(group.counter());
                leftOut.addAll(waiting);
            }
        }
        return leftOut;
    }

    // ---- as fast: members that come and go -------------------------------------------------------------------------

    private Mono<Void> move(List<MemberGroup> groups) {
        return writer.written(new Moves(store, groups), deadline)
                .map(result -> answer(groups, result))
                .flatMap(this::resolve)
                .onErrorResume(StoreFailure.class, failure -> onFailure(waitersOfMembers(groups), failure));
    }

    /** Answers those that were carried out and returns the others. */
    private static List<Waiter<Command, Outcome>> answer(List<MemberGroup> groups, MoveResult result) {
        List<Waiter<Command, Outcome>> leftOut = new ArrayList<>(0);
        int from = 0;
        for (int i = 0; i < groups.size(); i++) {
            int to = from + groups.get(i).waiters().size();
            leftOut.addAll(
                    groups.get(i).answer(result.levels().get(i), result.moved().subList(from, to)));
            from = to;
        }
        return leftOut;
    }

    private Mono<Void> onFailure(List<Waiter<Command, Outcome>> waiters, StoreFailure failure) {
        return failure.kind() == Kind.BAD_OPERATION ? resolve(waiters) : giveUp(waiters, failure);
    }

    // ---- the other way: decisions under lock -----------------------------------------------------------------------

    private Mono<Void> resolve(List<Waiter<Command, Outcome>> waiters) {
        List<Waiter<Command, Outcome>> open =
                waiters.stream().filter(waiter -> !waiter.refuseAfterEarlier()).toList();
        return open.isEmpty() ? Mono.empty() : decide(open);
    }

    private Mono<Void> decide(List<Waiter<Command, Outcome>> waiters) {
        return writer.written(
                        new Decisions(
                                store, waiters.stream().map(Waiter::request).toList()),
                        deadline)
                .doOnNext(resolution -> answer(waiters, resolution))
                .then()
                .onErrorResume(
                        StoreFailure.class,
                        failure -> failure.kind() == Kind.BAD_OPERATION
                                ? isolate(waiters, failure)
                                : giveUp(waiters, failure));
    }

    private void answer(List<Waiter<Command, Outcome>> waiters, Resolution resolution) {
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
    private Mono<Void> isolate(List<Waiter<Command, Outcome>> waiters, StoreFailure failure) {
        if (waiters.size() == 1) {
            log.warn("The database refused an operation: {}", failure.getMessage());
            waiters.getFirst().answer(new ConstraintViolated());
            return Mono.empty();
        }
        int half = waiters.size() / 2;
        return resolve(waiters.subList(0, half)).then(Mono.defer(() -> resolve(waiters.subList(half, waiters.size()))));
    }

    // ---- both

    private Mono<Void> giveUp(List<Waiter<Command, Outcome>> waiters, StoreFailure failure) {
        log.warn("{} operations are answered without success: {}", waiters.size(), failure.getMessage());
        if (failure.kind() == Kind.UNKNOWN) {
            waiters.forEach(waiter -> waiter.answer(new Unknown()));
        } else {
            waiters.forEach(waiter -> waiter.refuse(new StoreUnavailable()));
        }
        return Mono.empty();
    }

    private static List<Waiter<Command, Outcome>> waitersOfMembers(List<MemberGroup> groups) {
        return groups.stream().flatMap(group -> group.waiters().stream()).toList();
    }

    private static List<Waiter<Command, Outcome>> waitersOf(List<Group> groups) {
        return groups.stream().flatMap(group -> group.waiters().stream()).toList();
    }
}
