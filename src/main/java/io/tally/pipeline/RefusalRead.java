package io.tally.pipeline;

import io.tally.counter.Command;
import io.tally.counter.Counter;
import io.tally.counter.CounterId;
import io.tally.counter.Operation;
import io.tally.counter.Operation.Increment;
import io.tally.counter.Outcome;
import io.tally.counter.Outcome.BoundExceeded;
import io.tally.counter.Outcome.TransactionRefused;
import io.tally.counter.Outcome.WrongKind;
import io.tally.lane.PendingRequest;
import io.tally.pipeline.CounterStore.Fence;
import io.tally.pipeline.CounterStore.Settlement.Committed;
import io.tally.pipeline.CounterStore.Writes;
import io.tally.pipeline.LaneMetrics.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * Increments and transactions on counters that refused one lately: refused again by the state that is read, without a
 * lock and without a commit.
 */
final class RefusalRead implements FencedWrite<StoredState> {
    /*
     * Refused by a state that was read
     *
     * An operation that the state refuses has no effect, so its place in the history is the moment of the read: after
     * its request arrived, and before its response. It needs no lock against other instances.
     *
     * Three kinds stay for a write: operations that the state allows; those that only the state refuses, and that the
     * operations before them in the batch would make possible; and those of an array or stream behind one that stays,
     * since they would move before it.
     *
     * Keys are read after the counters. A key that is still unknown then belongs to no operation that the state has. It
     * may belong to one whose commit is under way, as to one that still waits: a refusal is final for its request only.
     */

    private final List<PendingRequest<Command, Outcome>> requests;
    private final RecentSet<CounterId> refusing;
    private final List<Command> commands;
    private final ReadSet rows;
    private final Set<CounterId> contested = new HashSet<>();

    /** Without a counter if the read failed. */
    private StoredState found = StoredState.of(Map.of(), Instant.EPOCH);

    /** @param refusing loses the counters that would refuse none of these requests */
    RefusalRead(List<PendingRequest<Command, Outcome>> requests, RecentSet<CounterId> refusing) {
        this.requests = requests;
        this.refusing = refusing;
        this.commands = requests.stream().map(PendingRequest::request).toList();
        this.rows = ReadSet.of(commands);
    }

    /** The counter whose bound or kind refused an increment of the operation. */
    static Optional<CounterId> refusedBy(Operation operation, Outcome outcome) {
        if (outcome instanceof TransactionRefused refused) {
            return refusedBy(refused.counter(), refused.cause());
        }
        return operation instanceof Increment increment ? refusedBy(increment.counter(), outcome) : Optional.empty();
    }

    private static Optional<CounterId> refusedBy(CounterId counter, Outcome outcome) {
        return outcome instanceof BoundExceeded || outcome instanceof WrongKind
                ? Optional.of(counter)
                : Optional.empty();
    }

    @Override
    public Path path() {
        return Path.READ;
    }

    @Override
    public List<PendingRequest<Command, Outcome>> requests() {
        return requests;
    }

    @Override
    public int counters() {
        return rows.counters().size();
    }

    @Override
    public Mono<StoredState> send(Writes store, Fence fence) {
        return store.read(rows).onErrorMap(StoreFailure.class, FencedWriter::nothingSent);
    }

    @Override
    public StoredState stored(Committed committed) {
        throw new IllegalStateException("a read commits nothing");
    }

    @Override
    public Written written(StoredState state) {
        return new Written(false, 0, 0);
    }

    @Override
    public List<PendingRequest<Command, Outcome>> answer(StoredState state) {
        List<Outcome> expected = Resolver.resolve(state, commands).outcomes();
        List<PendingRequest<Command, Outcome>> staying = new ArrayList<>();
        Set<CounterId> moving = new HashSet<>();
        Set<CounterId> refused = new HashSet<>();
        found = state;
        for (int i = 0; i < requests.size(); i++) {
            PendingRequest<Command, Outcome> pending = requests.get(i);
            Operation operation = commands.get(i).operation();
            Optional<CounterId> refusedBy = refusedBy(operation, expected.get(i));
            refusedBy.ifPresent(refused::add);
            Outcome outcome = unwritten(pending, expected.get(i), state, moving);
            if (outcome == null) {
                staying.add(pending);
                moving.addAll(operation.counters());
                refusedBy.ifPresent(contested::add);
            } else {
                pending.answer(outcome);
            }
        }
        rows.counters().stream().filter(counter -> !refused.contains(counter)).forEach(refusing::remove);
        return staying;
    }

    /**
     * Divides the requests that stay by kind of write. The doubtful ones have to be decided: on their counters, some
     * requests exclude each other, or the fast statement would leave them out.
     */
    Coalescer.Batch divide(List<PendingRequest<Command, Outcome>> staying) {
        Coalescer.Batch batch = Coalescer.coalesce(staying, contested::contains, found.counters()::containsKey);
        batch.increments().removeIf(group -> {
            Counter state = found.counters().get(group.counter());
            if (state == null || group.fits(state, found.now())) {
                return false;
            }
            refusing.add(group.counter());
            batch.doubtful().addAll(group.requests());
            return true;
        });
        return batch;
    }

    /**
     * The outcome of a request that needs no write; {@code null} if it needs one.
     *
     * @param expected its outcome after the requests before it
     * @param moving the counters of those of them that stay
     */
    private static @Nullable Outcome unwritten(
            PendingRequest<Command, Outcome> pending, Outcome expected, StoredState state, Set<CounterId> moving) {
        Command command = pending.request();
        if (command.key() != null && state.records().containsKey(command.key())) {
            return expected;
        }
        Operation operation = command.operation();
        if (refusedBy(operation, expected).isEmpty()) {
            return null;
        }
        if (operation.counters().stream().noneMatch(moving::contains)) {
            return expected;
        }
        if (pending.isSequenced()) {
            return null;
        }
        Outcome alone = Resolver.resolve(state.of(operation.counters()), List.of(command))
                .outcomes()
                .getFirst();
        return refusedBy(operation, alone).isPresent() ? alone : null;
    }
}
