package io.tally.pipeline;

import io.tally.counter.Command;
import io.tally.counter.CounterId;
import io.tally.counter.IdempotencyKey;
import io.tally.counter.Operation;
import io.tally.counter.Operation.Increment;
import io.tally.counter.Operation.Move;
import io.tally.counter.Operation.Transaction;
import io.tally.counter.Outcome;
import io.tally.counter.Precondition;
import io.tally.lane.PendingRequest;
import io.tally.pipeline.Batch.Group;
import io.tally.pipeline.Batch.MemberGroup;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/** Groups operations by counter, and sums what can be summed. Pure. */
final class Coalescer {

    private final Map<CounterId, Group> groups;
    private final Map<IdempotencyKey, Group> keys = new HashMap<>();
    private final List<PendingRequest<Command, Outcome>> transactions = new ArrayList<>();
    private final Predicate<CounterId> bounded;

    private Coalescer(int size, Predicate<CounterId> bounded) {
        this.groups = LinkedHashMap.newLinkedHashMap(Math.min(size, 1024));
        this.bounded = bounded;
    }

    /**
     * Groups a batch. The order of operations on one counter is kept; that of operations on different counters, which
     * all wait at the same time, means nothing.
     *
     * @param bounded the counters known to refuse plain addition
     */
    static Batch coalesce(List<PendingRequest<Command, Outcome>> requests, Predicate<CounterId> bounded) {
        Coalescer coalescer = new Coalescer(requests.size(), bounded);
        requests.forEach(coalescer::join);
        return coalescer.batch();
    }

    private void join(PendingRequest<Command, Outcome> pending) {
        switch (pending.request().operation()) {
            case Increment increment -> increment(pending, increment);
            case Move move -> move(pending, move);
            case Operation.Single single -> group(single).joinConditionally(pending);
            case Transaction transaction -> transactions.add(pending);
        }
    }

    private void increment(PendingRequest<Command, Outcome> pending, Increment increment) {
        Group group = group(increment);
        if (increment.precondition() instanceof Precondition.None && !contests(pending.request(), group)) {
            group.join(pending, increment);
        } else {
            group.joinConditionally(pending);
        }
    }

    private void move(PendingRequest<Command, Outcome> pending, Move move) {
        if (pending.request().key() == null) {
            group(move).join(pending, move);
        } else {
            group(move).joinConditionally(pending);
        }
    }

    /** Whether another says something else under the same key: this one has to see what became of the first. */
    private boolean contests(Command command, Group group) {
        IdempotencyKey key = command.key();
        Group first = key == null ? null : keys.putIfAbsent(key, group);
        return key != null && first != null && !(first == group && group.agrees(key, command));
    }

    private Group group(Operation.Single operation) {
        return groups.computeIfAbsent(operation.counter(), id -> new Group(id, bounded.test(id)));
    }

    private Batch batch() {
        List<Group> unconditional = new ArrayList<>(groups.size());
        List<MemberGroup> members = new ArrayList<>(0);
        List<PendingRequest<Command, Outcome>> conditional = new ArrayList<>();
        for (Group group : groups.values()) {
            MemberGroup moves = group.members();
            if (group.conditional()) {
                conditional.addAll(group.requests());
            } else if (moves != null) {
                members.add(moves);
            } else {
                unconditional.add(group);
            }
        }
        conditional.addAll(transactions);
        return new Batch(unconditional, members, conditional);
    }
}
