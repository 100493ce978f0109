package io.tally.pipeline;

import io.tally.counter.Command;
import io.tally.counter.Counter;
import io.tally.counter.CounterId;
import io.tally.counter.Outcome;
import io.tally.counter.Outcome.ConstraintViolated;
import io.tally.counter.Outcome.Overloaded;
import io.tally.counter.Outcome.StoreUnavailable;
import io.tally.counter.Outcome.Unknown;
import io.tally.lane.BatchHandler;
import io.tally.lane.PendingRequest;
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
final class BatchWriter implements BatchHandler<Command, Outcome> {
    /*
     * Two ways to write
     *
     * What cannot be refused is summed and added in one statement; members come and go in another. Everything that
     * depends on the state it finds (a bound, a precondition, the end of 64 bits) is decided by the Resolver on rows
     * under lock. The fast statement leaves out counters it must not touch; these go the other way and are remembered.
     *
     * Order
     *
     * All operations of one counter in one batch go the same way, in one statement. Only the Resolver's may have to be
     * divided, and then a later part is not sent for the requests of an array or stream of which an earlier part was
     * refused.
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
    public Mono<Void> handle(List<PendingRequest<Command, Outcome>> requests) {
        deadline = nanoClock.getAsLong() + waitMax.toNanos();
        Batch batch = Coalescer.coalesce(requests, bounded::contains);
        return Flux.concat(
                        Flux.fromIterable(slices(batch.unconditional())).concatMap(this::add),
                        Flux.fromIterable(slices(batch.members())).concatMap(this::move),
                        Flux.fromIterable(conditionalSlices(batch.conditional()))
                                .concatMap(this::resolve))
                .then();
    }

    @Override
    public Outcome overloaded() {
        return new Overloaded();
    }

    @Override
    public Outcome unavailable() {
        return new StoreUnavailable();
    }

    @Override
    public Outcome abandoned() {
        return new Unknown();
    }

    @Override
    public boolean isAvailable() {
        return writer.unavailableReason() == null;
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

    private List<List<PendingRequest<Command, Outcome>>> conditionalSlices(
            List<PendingRequest<Command, Outcome>> requests) {
        List<List<PendingRequest<Command, Outcome>>> slices = new ArrayList<>();
        Set<CounterId> counters = new HashSet<>();
        int from = 0;
        for (int i = 0; i < requests.size(); i++) {
            List<CounterId> own = requests.get(i).request().operation().counters();
            counters.addAll(own);
            if (counters.size() > countersMax && i > from) {
                slices.add(requests.subList(from, i));
                from = i;
                counters.clear();
                counters.addAll(own);
            }
        }
        if (from < requests.size()) {
            slices.add(requests.subList(from, requests.size()));
        }
        return slices;
    }

    // ---- the fast way: sums ----------------------------------------------------------------------------------------

    private Mono<Void> add(List<Group> groups) {
        return writer.written(new IncrementWrite(store, groups), deadline)
                .map(added -> answer(groups, added))
                .flatMap(this::resolve)
                .onErrorResume(StoreFailure.class, failure -> onFailure(requestsOf(groups), failure));
    }

    /** Answers those that were added and returns the others. */
    private List<PendingRequest<Command, Outcome>> answer(List<Group> groups, Added added) {
        List<PendingRequest<Command, Outcome>> leftOut = new ArrayList<>(0);
        int key = 0;
        for (int i = 0; i < groups.size(); i++) {
            Group group = groups.get(i);
            int keys = group.keys();
            List<PendingRequest<Command, Outcome>> waiting =
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
        return writer.written(new MembershipWrite(store, groups), deadline)
                .map(result -> answer(groups, result))
                .flatMap(this::resolve)
                .onErrorResume(StoreFailure.class, failure -> onFailure(requestsOfMembers(groups), failure));
    }

    /** Answers those that were carried out and returns the others. */
    private static List<PendingRequest<Command, Outcome>> answer(List<MemberGroup> groups, MoveResult result) {
        List<PendingRequest<Command, Outcome>> leftOut = new ArrayList<>(0);
        int from = 0;
        for (int i = 0; i < groups.size(); i++) {
            int to = from + groups.get(i).requests().size();
            leftOut.addAll(
                    groups.get(i).answer(result.levels().get(i), result.moved().subList(from, to)));
            from = to;
        }
        return leftOut;
    }

    private Mono<Void> onFailure(List<PendingRequest<Command, Outcome>> requests, StoreFailure failure) {
        return failure.kind() == Kind.BAD_OPERATION ? resolve(requests) : giveUp(requests, failure);
    }

    // ---- the other way: decisions under lock -----------------------------------------------------------------------

    private Mono<Void> resolve(List<PendingRequest<Command, Outcome>> requests) {
        List<PendingRequest<Command, Outcome>> open = requests.stream()
                .filter(pending -> !pending.refuseAfterEarlier())
                .toList();
        return open.isEmpty() ? Mono.empty() : decide(open);
    }

    private Mono<Void> decide(List<PendingRequest<Command, Outcome>> requests) {
        return writer.written(
                        new ResolvedWrite(
                                store,
                                requests.stream().map(PendingRequest::request).toList()),
                        deadline)
                .doOnNext(resolution -> answer(requests, resolution))
                .then()
                .onErrorResume(
                        StoreFailure.class,
                        failure -> failure.kind() == Kind.BAD_OPERATION
                                ? isolate(requests, failure)
                                : giveUp(requests, failure));
    }

    private void answer(List<PendingRequest<Command, Outcome>> requests, Resolution resolution) {
        resolution.changes().forEach(this::remember);
        for (int i = 0; i < requests.size(); i++) {
            requests.get(i).answer(resolution.outcomes().get(i));
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
    private Mono<Void> isolate(List<PendingRequest<Command, Outcome>> requests, StoreFailure failure) {
        if (requests.size() == 1) {
            log.warn("The database refused an operation: {}", failure.getMessage());
            requests.getFirst().answer(new ConstraintViolated());
            return Mono.empty();
        }
        int half = requests.size() / 2;
        return resolve(requests.subList(0, half))
                .then(Mono.defer(() -> resolve(requests.subList(half, requests.size()))));
    }

    // ---- both

    private Mono<Void> giveUp(List<PendingRequest<Command, Outcome>> requests, StoreFailure failure) {
        log.warn("{} operations are answered without success: {}", requests.size(), failure.getMessage());
        if (failure.kind() == Kind.UNKNOWN) {
            requests.forEach(pending -> pending.answer(new Unknown()));
        } else {
            requests.forEach(pending -> pending.refuse(new StoreUnavailable()));
        }
        return Mono.empty();
    }

    private static List<PendingRequest<Command, Outcome>> requestsOfMembers(List<MemberGroup> groups) {
        return groups.stream().flatMap(group -> group.requests().stream()).toList();
    }

    private static List<PendingRequest<Command, Outcome>> requestsOf(List<Group> groups) {
        return groups.stream().flatMap(group -> group.requests().stream()).toList();
    }
}
