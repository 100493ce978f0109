package io.tally.pipeline;

import io.tally.counter.Command;
import io.tally.counter.CounterId;
import io.tally.counter.IdempotencyKey;
import io.tally.counter.MemberId;
import io.tally.counter.Operation.Increment;
import io.tally.counter.Operation.Join;
import io.tally.counter.Operation.Move;
import io.tally.counter.Outcome;
import io.tally.counter.Outcome.Incremented;
import io.tally.counter.Outcome.Moved;
import io.tally.idempotency.IdempotencyRecord;
import io.tally.lane.PendingRequest;
import io.tally.pipeline.CounterStore.Keyed;
import io.tally.pipeline.CounterStore.KeyedLevel;
import io.tally.pipeline.CounterStore.Level;
import io.tally.pipeline.CounterStore.MemberMove;
import io.tally.pipeline.CounterStore.Sum;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What a lane cut from its queue.
 *
 * @param unconditional groups of increments that nothing but the counter's own state can refuse
 * @param members groups of moves, each of another member
 * @param conditional those that depend on what they find; those on one counter stand together, in arrival order
 */
record Batch(List<Group> unconditional, List<MemberGroup> members, List<PendingRequest<Command, Outcome>> conditional) {

    /** The moves of the members of one counter, in arrival order, each of another member. */
    record MemberGroup(CounterId counter, List<PendingRequest<Command, Outcome>> requests) {

        List<MemberMove> moves(int counter) {
            return requests.stream()
                    .map(MemberGroup::move)
                    .map(move -> new MemberMove(counter, move.member(), move instanceof Join))
                    .toList();
        }

        private static Move move(PendingRequest<Command, Outcome> pending) {
            return (Move) pending.request().operation();
        }

        /**
         * Gives each pending the value after its own move, as if it had been alone.
         *
         * @param level after all of them
         * @param moved in the order of {@link #moves}
         * @return those that were left out
         */
        List<PendingRequest<Command, Outcome>> answer(@Nullable Level level, List<@Nullable Boolean> moved) {
            if (level == null) {
                return requests;
            }
            long value = level.value();
            long version = level.version();
            List<PendingRequest<Command, Outcome>> leftOut = new ArrayList<>(0);
            // Backwards, since what is known is where they ended.
            for (int i = requests.size() - 1; i >= 0; i--) {
                Boolean really = moved.get(i);
                if (really == null) {
                    leftOut.add(requests.get(i));
                } else {
                    boolean joins = move(requests.get(i)) instanceof Join;
                    requests.get(i).answer(new Moved(joins, really, value, version));
                    value -= really ? (joins ? 1 : -1) : 0;
                    version -= really ? 1 : 0;
                }
            }
            return leftOut.reversed();
        }
    }

    /**
     * What is to be done to one counter, in arrival order. Increments are summed, and a key stands for all that came
     * with it; of members that move, each is there once.
     */
    static final class Group {

        private final CounterId counter;
        private final List<PendingRequest<Command, Outcome>> requests = new ArrayList<>(4);
        private Map<IdempotencyKey, Command> keyed = Map.of();
        private Set<MemberId> members = Set.of();
        private boolean conditional;
        private boolean keyedInSequence;
        private int operations;
        private long delta;
        private double size;
        private long magnitude;

        Group(CounterId counter, boolean conditional) {
            this.counter = counter;
            this.conditional = conditional;
        }

        void join(PendingRequest<Command, Outcome> pending, Increment increment) {
            requests.add(pending);
            conditional |= !members.isEmpty();
            Command command = pending.request();
            IdempotencyKey key = command.key();
            if (key == null) {
                // The statement counts un-keyed increments first. Those of one array or stream keep their order; those
                // of other
                // requests wait at the same time, so any order is right.
                conditional |= keyedInSequence && pending.isSequenced();
                operations++;
                delta += increment.delta();
                size += Math.abs((double) increment.delta());
                move(increment.delta());
            } else {
                keyedInSequence |= pending.isSequenced();
                join(key, command, increment);
            }
        }

        private void join(IdempotencyKey key, Command command, Increment increment) {
            if (keyed.isEmpty()) {
                keyed = new LinkedHashMap<>();
            }
            if (keyed.putIfAbsent(key, command) == null) {
                move(increment.delta());
            }
        }

        /** Takes a move without a key. */
        void join(PendingRequest<Command, Outcome> pending, Move move) {
            conditional |= members.isEmpty() && !requests.isEmpty();
            requests.add(pending);
            if (members.isEmpty()) {
                members = new HashSet<>();
            }
            // The second of one member has to see what became of the first.
            conditional |= !members.add(move.member());
        }

        /** Takes one that depends on what it finds; so do, then, all others of its counter. */
        void joinConditionally(PendingRequest<Command, Outcome> pending) {
            requests.add(pending);
            conditional = true;
        }

        private void move(long more) {
            // Bounding the magnitudes bounds every partial sum, not only the last.
            long distance = Math.absExact(Math.max(more, -Long.MAX_VALUE));
            if (distance > Sum.VALUE_MAX - magnitude) {
                conditional = true;
            } else {
                magnitude += distance;
            }
        }

        /** Whether this group says the same under that key as this command. */
        boolean agrees(IdempotencyKey key, Command command) {
            Command first = keyed.get(key);
            return first != null && first.fingerprint() == command.fingerprint();
        }

        CounterId counter() {
            return counter;
        }

        List<PendingRequest<Command, Outcome>> requests() {
            return requests;
        }

        boolean conditional() {
            return conditional;
        }

        /** This group as one of moves, where it is. */
        @Nullable
        MemberGroup members() {
            return members.isEmpty() ? null : new MemberGroup(counter, requests);
        }

        /** The operations without a key. */
        Sum sum() {
            return new Sum(counter, delta, operations);
        }

        /** The operations with a key, each key once. */
        List<Keyed> keyed(int sum) {
            return keyed.entrySet().stream()
                    .map(entry ->
                            new Keyed(sum, entry.getKey(), entry.getValue().fingerprint(), deltaOf(entry.getValue())))
                    .toList();
        }

        /** How many keys there are. */
        int keys() {
            return keyed.size();
        }

        /** The sum of the deltas without a key, without their signs. */
        double size() {
            return size;
        }

        /**
         * Gives each pending the value after its own operation, as if it had been alone.
         *
         * @param level of the sum
         * @param stored in the order of {@link #keyed}
         * @return those that were left out
         */
        List<PendingRequest<Command, Outcome>> answer(@Nullable Level level, List<@Nullable KeyedLevel> stored) {
            List<PendingRequest<Command, Outcome>> leftOut = new ArrayList<>(0);
            Map<IdempotencyKey, KeyedLevel> answers = byKey(stored);
            long value = level == null ? 0 : level.value() - delta;
            long version = level == null ? 0 : level.version() - operations;
            for (PendingRequest<Command, Outcome> pending : requests) {
                Command command = pending.request();
                IdempotencyKey key = command.key();
                if (key != null) {
                    KeyedLevel answer = answers.get(key);
                    if (answer == null) {
                        leftOut.add(pending);
                    } else {
                        pending.answer(answer(key, command, answer));
                        answers.put(key, answer.known() == null ? answer.knownAs(command.fingerprint()) : answer);
                    }
                } else if (level == null) {
                    leftOut.add(pending);
                } else {
                    long own = deltaOf(command);
                    value += own;
                    version++;
                    pending.answer(new Incremented(value, version, own));
                }
            }
            return leftOut;
        }

        private Map<IdempotencyKey, KeyedLevel> byKey(List<@Nullable KeyedLevel> stored) {
            if (keyed.isEmpty()) {
                return Map.of();
            }
            Map<IdempotencyKey, KeyedLevel> answers = HashMap.newHashMap(stored.size());
            int i = 0;
            for (IdempotencyKey key : keyed.keySet()) {
                KeyedLevel answer = stored.get(i++);
                if (answer != null) {
                    answers.put(key, answer);
                }
            }
            return answers;
        }

        private static Outcome answer(IdempotencyKey key, Command command, KeyedLevel answer) {
            Incremented incremented =
                    new Incremented(answer.level().value(), answer.level().version(), deltaOf(command));
            Long known = answer.known();
            return known == null
                    ? incremented
                    : new IdempotencyRecord(key, known, incremented).answer(command.fingerprint());
        }

        private static long deltaOf(Command command) {
            return ((Increment) command.operation()).delta();
        }
    }
}
