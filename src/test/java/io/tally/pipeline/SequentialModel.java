package io.tally.pipeline;

import io.tally.counter.Command;
import io.tally.counter.CounterId;
import io.tally.counter.Edit;
import io.tally.counter.IdempotencyKey;
import io.tally.counter.NewCounter;
import io.tally.counter.Operation;
import io.tally.counter.Operation.Amend;
import io.tally.counter.Operation.Create;
import io.tally.counter.Operation.Delete;
import io.tally.counter.Operation.Increment;
import io.tally.counter.Operation.Sweep;
import io.tally.counter.Operation.Transaction;
import io.tally.counter.Precondition;
import io.tally.counter.Precondition.AtVersion;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What counters are meant to do, one operation at a time, said in the plainest way: numbers without end, and answers as
 * short texts.
 */
final class SequentialModel {

    private static final BigInteger LEAST = BigInteger.valueOf(Long.MIN_VALUE);
    private static final BigInteger GREATEST = BigInteger.valueOf(Long.MAX_VALUE);

    /** A counter of the model; of a plain one, {@code members} is {@code null}. */
    record State(
            BigInteger value,
            long version,
            BigInteger initial,
            @Nullable BigInteger min,
            @Nullable BigInteger max,
            @Nullable Set<String> members) {}

    final Map<CounterId, State> counters = new HashMap<>();
    int applied;

    private final Map<IdempotencyKey, Done> done = new HashMap<>();

    /** What was done under a key. */
    private record Done(Operation asked, String answer) {}

    String apply(Command command) {
        IdempotencyKey key = command.key();
        if (key == null) {
            return apply(command.operation());
        }
        Operation asked = withoutPrecondition(command.operation());
        Done before = done.get(key);
        if (before != null) {
            return before.asked().equals(asked) ? "again " + before.answer() : "other";
        }
        int appliedBefore = applied;
        String answer = apply(command.operation());
        if (applied > appliedBefore || answer.matches("(found|was) .*|.* by 0")) {
            done.put(key, new Done(asked, answer));
        }
        return answer;
    }

    private static Operation withoutPrecondition(Operation operation) {
        Precondition none = Precondition.NONE;
        return switch (operation) {
            case Increment increment ->
                new Increment(increment.counter(), increment.delta(), increment.defaults(), increment.atMost(), none);
            case Create create -> new Create(create.counter(), create.state(), none);
            case Amend amend ->
                new Amend(
                        amend.counter(),
                        amend.value(),
                        amend.initial(),
                        amend.min(),
                        amend.max(),
                        amend.recurrence(),
                        amend.expiry(),
                        none);
            case Delete delete -> new Delete(delete.counter(), none);
            case Sweep sweep -> sweep;
            case Operation.Move move -> move;
            case Transaction transaction -> transaction;
        };
    }

    private String apply(Operation operation) {
        return switch (operation) {
            case Operation.Single single -> apply(single, counters.get(single.counter()));
            case Transaction transaction -> transact(transaction);
        };
    }

    private String apply(Operation.Single operation, @Nullable State state) {
        return switch (operation) {
            case Amend amend -> state == null ? "absent" : amend(amend, state);
            case Delete delete -> state == null ? "absent" : delete(delete, state);
            case Create create -> create(create, state);
            case Increment increment -> increment(increment, state);
            case Sweep sweep -> throw new IllegalArgumentException("the model has no time: " + sweep);
            case Operation.Move move -> move(move, state);
        };
    }

    private String transact(Transaction transaction) {
        Map<CounterId, State> countersBefore = new HashMap<>(counters);
        int appliedBefore = applied;
        List<String> answers = new ArrayList<>();
        for (Increment increment : transaction.increments()) {
            int one = applied;
            answers.add(apply(increment, counters.get(increment.counter())));
            if (applied == one) {
                counters.clear();
                counters.putAll(countersBefore);
                applied = appliedBefore;
                return "item " + (answers.size() - 1) + " " + answers.getLast();
            }
        }
        return answers.toString();
    }

    private String increment(Increment increment, @Nullable State state) {
        if (!holds(increment.precondition(), state)) {
            return "precondition";
        }
        State from = state == null ? fresh(increment.defaults()) : state;
        if (from.members() != null) {
            return "kind";
        }
        BigInteger value = from.value().add(BigInteger.valueOf(increment.delta()));
        BigInteger max = from.max() == null ? GREATEST : from.max();
        BigInteger min = from.min() == null ? LEAST : from.min();
        if (increment.atMost()) {
            return incrementAtMost(increment.counter(), value.min(max).max(min), from, state != null);
        }
        if (value.compareTo(max) > 0) {
            return "above";
        }
        if (value.compareTo(min) < 0) {
            return "below";
        }
        return put(increment.counter(), moved(from, value));
    }

    private String incrementAtMost(CounterId counter, BigInteger value, State from, boolean exists) {
        BigInteger applied = value.subtract(from.value());
        String answer = exists && applied.signum() == 0
                ? from.value() + "@" + from.version()
                : put(counter, moved(from, value));
        return answer + " by " + applied;
    }

    private static State fresh(NewCounter state) {
        BigInteger initial = BigInteger.valueOf(state.initial());
        return new State(
                initial,
                0,
                initial,
                big(state.bounds().min()),
                big(state.bounds().max()),
                null);
    }

    private static State moved(State from, BigInteger value) {
        return new State(value, from.version() + 1, from.initial(), from.min(), from.max(), from.members());
    }

    private String create(Create create, @Nullable State state) {
        if (!holds(create.precondition(), state)) {
            return "precondition";
        }
        if (state != null) {
            return "found " + state.value() + "@" + state.version();
        }
        State fresh = fresh(create.state());
        return put(create.counter(), moved(fresh, fresh.initial()));
    }

    private String amend(Amend amend, State state) {
        if (!holds(amend.precondition(), state)) {
            return "precondition";
        }
        if (state.members() != null) {
            return "kind";
        }
        BigInteger min = after(amend.min(), state.min());
        BigInteger max = after(amend.max(), state.max());
        BigInteger value = amend.value() == null ? state.value() : BigInteger.valueOf(amend.value());
        if (min != null && max != null && min.compareTo(max) > 0) {
            return "inverted";
        }
        if (min != null && value.compareTo(min) < 0) {
            return "below";
        }
        if (max != null && value.compareTo(max) > 0) {
            return "above";
        }
        BigInteger initial = amend.initial() == null ? state.initial() : BigInteger.valueOf(amend.initial());
        if ((min != null && initial.compareTo(min) < 0) || (max != null && initial.compareTo(max) > 0)) {
            return "initial";
        }
        return put(amend.counter(), new State(value, state.version() + 1, initial, min, max, null));
    }

    private String delete(Delete delete, State state) {
        if (!holds(delete.precondition(), state)) {
            return "precondition";
        }
        counters.remove(delete.counter());
        applied++;
        return "deleted";
    }

    private String move(Operation.Move move, @Nullable State state) {
        boolean joins = move instanceof Operation.Join;
        if (state == null && !joins) {
            return "was away 0@0";
        }
        BigInteger none = BigInteger.ZERO;
        State from = state == null ? new State(none, 0, none, null, null, Set.of()) : state;
        if (from.members() == null) {
            return "kind";
        }
        Set<String> members = new HashSet<>(from.members());
        boolean moved = joins
                ? members.add(move.member().member())
                : members.remove(move.member().member());
        return moved
                ? put(
                        move.counter(),
                        new State(BigInteger.valueOf(members.size()), from.version() + 1, none, null, null, members))
                : "was " + (joins ? "there " : "away ") + from.value() + "@" + from.version();
    }

    private String put(CounterId counter, State state) {
        counters.put(counter, state);
        applied++;
        return state.value() + "@" + state.version();
    }

    private static boolean holds(Precondition precondition, @Nullable State state) {
        if (precondition instanceof AtVersion at) {
            return state != null && at.versions().contains(state.version());
        }
        if (precondition.equals(Precondition.EXISTS)) {
            return state != null;
        }
        return !precondition.equals(Precondition.ABSENT) || state == null;
    }

    private static @Nullable BigInteger after(Edit<Long> limit, @Nullable BigInteger before) {
        return limit instanceof Edit.Set<Long> set ? big(set.value()) : before;
    }

    private static @Nullable BigInteger big(@Nullable Long number) {
        return number == null ? null : BigInteger.valueOf(number);
    }
}
