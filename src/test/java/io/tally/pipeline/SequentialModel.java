package io.tally.pipeline;

import io.tally.counter.Command;
import io.tally.counter.CounterId;
import io.tally.counter.Edit;
import io.tally.counter.Expiry;
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
import io.tally.counter.Recurrence;
import java.math.BigInteger;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
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
            @Nullable Set<String> members,
            @Nullable Span span,
            @Nullable Instant expiresAt,
            Instant createdAt) {}

    /** A period, and the version at its start; 0 if the counter was created in it. */
    record Span(Recurrence rule, Instant start, Instant end, long firstVersion) {}

    /** An ended period in which operations were applied. */
    record Ended(Instant start, Instant end, BigInteger value) {}

    final Map<CounterId, State> counters = new HashMap<>();
    final Map<CounterId, List<Ended>> history = new HashMap<>();
    int applied;

    private Instant now = Instant.EPOCH;
    /** The counters that time has changed, and no operation since. */
    private final Set<CounterId> changed = new HashSet<>();

    /** Lets time pass, period by period. */
    void setTime(Instant time) {
        now = time;
        for (CounterId id : List.copyOf(counters.keySet())) {
            State state = Objects.requireNonNull(counters.get(id));
            if (isPast(state.expiresAt())) {
                remove(id);
                changed.add(id);
                continue;
            }
            while (state.span() != null && isPast(state.span().end())) {
                state = begun(id, state, state.span());
                counters.put(id, state);
                changed.add(id);
            }
        }
    }

    private boolean isPast(@Nullable Instant time) {
        return time != null && !time.isAfter(now);
    }

    private State begun(CounterId id, State state, Span over) {
        if (state.version() > over.firstVersion()) {
            history.computeIfAbsent(id, absent -> new ArrayList<>())
                    .add(new Ended(over.start(), over.end(), state.value()));
        }
        return new State(
                state.initial(),
                state.version() + 1,
                state.initial(),
                state.min(),
                state.max(),
                state.members(),
                new Span(over.rule(), over.end(), boundaryAfter(over.end(), over.rule()), state.version() + 1),
                state.expiresAt(),
                state.createdAt());
    }

    private static Instant boundaryAfter(Instant time, Recurrence rule) {
        return rule.start(rule.indexAt(time) + 1);
    }

    private void remove(CounterId id) {
        counters.remove(id);
        history.remove(id);
    }

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
            case Sweep sweep -> sweep(sweep.counter());
            case Operation.Move move -> move(move, state);
        };
    }

    private String transact(Transaction transaction) {
        Map<CounterId, State> countersBefore = new HashMap<>(counters);
        Set<CounterId> changedBefore = Set.copyOf(changed);
        int appliedBefore = applied;
        List<String> answers = new ArrayList<>();
        for (Increment increment : transaction.increments()) {
            int one = applied;
            answers.add(apply(increment, counters.get(increment.counter())));
            if (applied == one) {
                counters.clear();
                counters.putAll(countersBefore);
                changed.addAll(changedBefore);
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
        if (state == null && isPast(expiresAt(increment.defaults()))) {
            return "passed";
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

    private String sweep(CounterId counter) {
        if (!changed.remove(counter)) {
            return "current";
        }
        applied++;
        return "swept";
    }

    private @Nullable Instant expiresAt(NewCounter state) {
        return state.expiry() == null ? null : state.expiry().at(now);
    }

    private State fresh(NewCounter state) {
        BigInteger initial = BigInteger.valueOf(state.initial());
        Recurrence rule = state.recurrence();
        return new State(
                initial,
                0,
                initial,
                big(state.bounds().min()),
                big(state.bounds().max()),
                null,
                rule == null ? null : spanNow(rule, 0),
                expiresAt(state),
                now);
    }

    private Span spanNow(Recurrence rule, long firstVersion) {
        return new Span(rule, rule.start(rule.indexAt(now)), boundaryAfter(now, rule), firstVersion);
    }

    private static State moved(State from, BigInteger value) {
        return new State(
                value,
                from.version() + 1,
                from.initial(),
                from.min(),
                from.max(),
                from.members(),
                from.span(),
                from.expiresAt(),
                from.createdAt());
    }

    private String create(Create create, @Nullable State state) {
        if (!holds(create.precondition(), state)) {
            return "precondition";
        }
        if (state != null) {
            return "found " + state.value() + "@" + state.version();
        }
        if (isPast(expiresAt(create.state()))) {
            return "passed";
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
        Instant expiresAt = state.expiresAt();
        if (amend.expiry() instanceof Edit.Set<Expiry> set) {
            expiresAt = set.value() == null ? null : set.value().at(state.createdAt());
        }
        if (isPast(expiresAt)) {
            return "passed";
        }
        return put(
                amend.counter(),
                new State(
                        value,
                        state.version() + 1,
                        initial,
                        min,
                        max,
                        null,
                        span(amend.recurrence(), state),
                        expiresAt,
                        state.createdAt()));
    }

    /** A new rule changes the end of a period, and begins none. */
    private @Nullable Span span(Edit<Recurrence> edit, State state) {
        Span span = state.span();
        if (!(edit instanceof Edit.Set<Recurrence> set)) {
            return span;
        }
        Recurrence rule = set.value();
        if (rule == null || span == null) {
            return rule == null ? null : spanNow(rule, state.version());
        }
        return new Span(rule, span.start(), boundaryAfter(now, rule), span.firstVersion());
    }

    private String delete(Delete delete, State state) {
        if (!holds(delete.precondition(), state)) {
            return "precondition";
        }
        remove(delete.counter());
        changed.remove(delete.counter());
        applied++;
        return "deleted";
    }

    private String move(Operation.Move move, @Nullable State state) {
        boolean joins = move instanceof Operation.Join;
        if (state == null && !joins) {
            return "was away 0@0";
        }
        BigInteger none = BigInteger.ZERO;
        State from = state == null ? moved(none, -1, Set.of(), now) : state;
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
                        moved(BigInteger.valueOf(members.size()), from.version(), members, from.createdAt()))
                : "was " + (joins ? "there " : "away ") + from.value() + "@" + from.version();
    }

    private static State moved(BigInteger value, long version, Set<String> members, Instant createdAt) {
        return new State(value, version + 1, BigInteger.ZERO, null, null, members, null, null, createdAt);
    }

    private String put(CounterId counter, State state) {
        counters.put(counter, state);
        changed.remove(counter);
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
