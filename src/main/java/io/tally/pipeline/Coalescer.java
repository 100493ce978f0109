package io.tally.pipeline;

import io.tally.counter.Command;
import io.tally.counter.CounterId;
import io.tally.counter.IdempotencyKey;
import io.tally.counter.Operation;
import io.tally.counter.Operation.Increment;
import io.tally.counter.Operation.Move;
import io.tally.counter.Operation.Transaction;
import io.tally.counter.Outcome;
import io.tally.lane.PendingRequest;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/** Groups the requests of a batch by counter and by the kind of write that carries them out. Pure. */
final class Coalescer {

    /**
     * A batch, divided by kind of write.
     *
     * @param increments groups of increments that only the counter's own state can refuse
     * @param memberships groups of joins and leaves, each of another member
     * @param doubtful increments and transactions on counters that refused one lately, adjacent as the conditional ones
     * @param conditional operations that depend on the state; those of one counter are adjacent, in arrival order
     */
    record Batch(
            List<CounterGroup> increments,
            List<CounterGroup> memberships,
            List<PendingRequest<Command, Outcome>> doubtful,
            List<PendingRequest<Command, Outcome>> conditional) {}

    private final Map<CounterId, CounterGroup> groups;
    private final Map<IdempotencyKey, CounterGroup> keys = new HashMap<>();
    private final List<PendingRequest<Command, Outcome>> transactions = new ArrayList<>();
    private final Predicate<CounterId> refusing;
    private final Predicate<CounterId> existing;

    private Coalescer(int size, Predicate<CounterId> refusing, Predicate<CounterId> existing) {
        this.groups = LinkedHashMap.newLinkedHashMap(Math.min(size, 1024));
        this.refusing = refusing;
        this.existing = existing;
    }

    /**
     * Groups a batch. Operations on one counter keep their order. Operations on different counters wait at the same
     * time, so their order does not matter.
     *
     * @param refusing the counters that refused an operation lately
     * @param existing counters that existed lately: to these, increments with defaults are added as others
     */
    static Batch coalesce(
            List<PendingRequest<Command, Outcome>> requests,
            Predicate<CounterId> refusing,
            Predicate<CounterId> existing) {
        Coalescer coalescer = new Coalescer(requests.size(), refusing, existing);
        requests.forEach(coalescer::add);
        return coalescer.batch();
    }

    private void add(PendingRequest<Command, Outcome> pending) {
        switch (pending.request().operation()) {
            case Increment increment -> add(pending, increment);
            case Move move -> add(pending, move);
            case Operation.Single single -> group(single).addConditional(pending);
            case Transaction transaction -> transactions.add(pending);
        }
    }

    private void add(PendingRequest<Command, Outcome> pending, Increment increment) {
        CounterGroup group = group(increment);
        boolean summed = increment.isPlain() && (!increment.hasDefaults() || existing.test(increment.counter()));
        if (summed && !reusesKey(pending.request(), group)) {
            group.add(pending, increment);
        } else {
            group.addConditional(pending);
        }
    }

    private void add(PendingRequest<Command, Outcome> pending, Move move) {
        if (pending.request().key() == null) {
            group(move).add(pending, move);
        } else {
            group(move).addConditional(pending);
        }
    }

    /** Whether the batch has another request under the same key: this one depends on the result of the first. */
    private boolean reusesKey(Command command, CounterGroup group) {
        IdempotencyKey key = command.key();
        CounterGroup first = key == null ? null : keys.putIfAbsent(key, group);
        return key != null && first != null && !(first == group && group.hasSame(key, command));
    }

    private CounterGroup group(Operation.Single operation) {
        return groups.computeIfAbsent(operation.counter(), id -> new CounterGroup(id, refusing.test(id)));
    }

    private Batch batch() {
        Batch batch =
                new Batch(new ArrayList<>(groups.size()), new ArrayList<>(0), new ArrayList<>(0), new ArrayList<>());
        for (CounterGroup group : groups.values()) {
            if (group.isDoubtful()) {
                batch.doubtful.addAll(group.requests());
            } else if (group.isConditional()) {
                batch.conditional.addAll(group.requests());
            } else if (group.isMembership()) {
                batch.memberships.add(group);
            } else {
                batch.increments.add(group);
            }
        }
        for (PendingRequest<Command, Outcome> transaction : transactions) {
            (isDoubtful(transaction) ? batch.doubtful : batch.conditional).add(transaction);
        }
        return batch;
    }

    private boolean isDoubtful(PendingRequest<Command, Outcome> transaction) {
        return transaction.request().operation().counters().stream().anyMatch(refusing);
    }
}
