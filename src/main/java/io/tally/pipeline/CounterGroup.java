package io.tally.pipeline;

import io.tally.counter.Command;
import io.tally.counter.Counter;
import io.tally.counter.CounterId;
import io.tally.counter.IdempotencyKey;
import io.tally.counter.Kind;
import io.tally.counter.MemberId;
import io.tally.counter.Operation.Increment;
import io.tally.counter.Operation.Move;
import io.tally.counter.Outcome;
import io.tally.lane.PendingRequest;
import io.tally.pipeline.CounterStore.Reach;
import io.tally.pipeline.CounterStore.Sum;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The requests of one batch on one counter, in arrival order, and the kind of write that can carry them out together:
 * increments summed, memberships applied as a set, or conditional operations decided one by one.
 */
final class CounterGroup {

    private final CounterId counter;
    private final boolean doubtful;
    private final List<PendingRequest<Command, Outcome>> requests = new ArrayList<>(4);
    private Map<IdempotencyKey, Command> keyed = Map.of();
    private Set<MemberId> members = Set.of();
    private boolean conditional;
    private boolean incrementsOnly = true;
    private boolean keyedInSequence;
    private int operations;
    private long delta;
    private double magnitude;
    /** The sum of all magnitudes. */
    private long distance;

    private long lowest;
    private long highest;
    private long keyedFall;
    private long keyedRise;
    private boolean existing;
    private boolean rises;
    private boolean falls;

    /** @param doubtful whether the counter has refused an operation lately */
    CounterGroup(CounterId counter, boolean doubtful) {
        this.counter = counter;
        this.doubtful = doubtful;
    }

    void add(PendingRequest<Command, Outcome> pending, Increment increment) {
        requests.add(pending);
        conditional |= !members.isEmpty();
        existing |= increment.hasDefaults();
        Command command = pending.request();
        IdempotencyKey key = command.key();
        if (key == null) {
            // The statement adds increments without a key first. Increments of one array or stream keep their order.
            // Other requests were waiting at the same time, so any order is right.
            conditional |= keyedInSequence && pending.isSequenced();
            operations++;
            magnitude += Math.abs((double) increment.delta());
            extend(increment.delta());
            delta += increment.delta();
            lowest = Math.min(lowest, delta);
            highest = Math.max(highest, delta);
        } else {
            keyedInSequence |= pending.isSequenced();
            add(key, command, increment);
        }
    }

    private void add(IdempotencyKey key, Command command, Increment increment) {
        if (keyed.isEmpty()) {
            keyed = new LinkedHashMap<>();
        }
        if (keyed.putIfAbsent(key, command) == null) {
            extend(increment.delta());
            keyedFall += Math.min(increment.delta(), 0);
            keyedRise += Math.max(increment.delta(), 0);
        }
    }

    /** Adds a join or leave without a key. */
    void add(PendingRequest<Command, Outcome> pending, Move move) {
        incrementsOnly = false;
        conditional |= members.isEmpty() && !requests.isEmpty();
        requests.add(pending);
        if (members.isEmpty()) {
            members = new HashSet<>();
        }
        // The second operation of one member depends on the result of the first.
        conditional |= !members.add(move.member());
    }

    /** Adds an operation that depends on the counter's state; it makes the whole group conditional. */
    void addConditional(PendingRequest<Command, Outcome> pending) {
        requests.add(pending);
        conditional = true;
        incrementsOnly &= pending.request().operation() instanceof Increment;
    }

    private void extend(long change) {
        rises |= change > 0;
        falls |= change < 0;
        // Bounding the magnitudes bounds every partial sum, not only the last.
        long further = Math.absExact(Math.max(change, -Long.MAX_VALUE));
        if (further > Sum.VALUE_MAX - distance) {
            conditional = true;
        } else {
            distance += further;
        }
    }

    /** Whether this group has the same request under that key as this command. */
    boolean hasSame(IdempotencyKey key, Command command) {
        Command first = keyed.get(key);
        return first != null && first.fingerprint() == command.fingerprint();
    }

    CounterId counter() {
        return counter;
    }

    List<PendingRequest<Command, Outcome>> requests() {
        return requests;
    }

    boolean isConditional() {
        return conditional;
    }

    /** Whether these are increments of a counter that refused one lately. */
    boolean isDoubtful() {
        return doubtful && incrementsOnly;
    }

    /** Whether the group consists of joins and leaves. */
    boolean isMembership() {
        return !members.isEmpty();
    }

    /** The sum of the increments without a key. */
    Sum sum() {
        return new Sum(counter, delta, operations, reach(), existing);
    }

    private @Nullable Reach reach() {
        return rises && falls ? new Reach(lowest(), highest()) : null;
    }

    private long lowest() {
        return Math.min(lowest, delta + keyedFall);
    }

    private long highest() {
        return Math.max(highest, delta + keyedRise);
    }

    /** Whether the fast statement would take a group of increments, by this stored state of the counter. */
    boolean fits(Counter state, Instant now) {
        return state.kind() == Kind.PLAIN
                && !state.isExpired(now)
                && !state.isPeriodOver(now)
                && state.value() >= -Sum.VALUE_MAX
                && state.value() < Sum.VALUE_MAX
                && state.bounds().admit(state.value() + lowest())
                && state.bounds().admit(state.value() + highest());
    }

    /** The sum of the deltas without a key, without their signs. */
    double magnitude() {
        return magnitude;
    }

    /** The increments with a key, each key once, in arrival order. */
    Collection<Command> keyed() {
        return keyed.values();
    }
}
