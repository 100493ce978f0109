package io.tally.pipeline;

import io.tally.counter.Bounds;
import io.tally.counter.Command;
import io.tally.counter.Counter;
import io.tally.counter.CounterId;
import io.tally.counter.Edit;
import io.tally.counter.Expiry;
import io.tally.counter.IdempotencyKey;
import io.tally.counter.Kind;
import io.tally.counter.MemberId;
import io.tally.counter.NewCounter;
import io.tally.counter.Operation;
import io.tally.counter.Operation.Amend;
import io.tally.counter.Operation.Create;
import io.tally.counter.Operation.Delete;
import io.tally.counter.Operation.Increment;
import io.tally.counter.Operation.Join;
import io.tally.counter.Operation.Leave;
import io.tally.counter.Operation.Sweep;
import io.tally.counter.Operation.Transaction;
import io.tally.counter.Outcome;
import io.tally.counter.Outcome.Amended;
import io.tally.counter.Outcome.BoundExceeded;
import io.tally.counter.Outcome.BoundExceeded.End;
import io.tally.counter.Outcome.BoundExceeded.Renewal;
import io.tally.counter.Outcome.BoundsInverted;
import io.tally.counter.Outcome.Created;
import io.tally.counter.Outcome.Deleted;
import io.tally.counter.Outcome.ExpiryPassed;
import io.tally.counter.Outcome.Found;
import io.tally.counter.Outcome.Incremented;
import io.tally.counter.Outcome.IncrementedAtMost;
import io.tally.counter.Outcome.InitialExcluded;
import io.tally.counter.Outcome.Moved;
import io.tally.counter.Outcome.NotFound;
import io.tally.counter.Outcome.PreconditionFailed;
import io.tally.counter.Outcome.Refusal;
import io.tally.counter.Outcome.Success;
import io.tally.counter.Outcome.Swept;
import io.tally.counter.Outcome.TooManyMembers;
import io.tally.counter.Outcome.TransactionApplied;
import io.tally.counter.Outcome.TransactionRefused;
import io.tally.counter.Outcome.WrongKind;
import io.tally.counter.Period;
import io.tally.counter.Recurrence;
import io.tally.idempotency.IdempotencyRecord;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Decides operations in order, each on the state after the one before. Pure: no I/O, no clock, no state between calls.
 */
final class Resolver {

    /**
     * The maximum of members that are deleted with their counter in one transaction, which takes seconds on a slow
     * disk.
     */
    static final int MEMBERS_REMOVED_MAX = 1_000_000;

    private final Map<CounterId, Counter> stored;
    private final Map<CounterId, @Nullable Counter> counters = new HashMap<>();
    private final Set<CounterId> touched = new LinkedHashSet<>();
    private final Map<IdempotencyKey, IdempotencyRecord> known;
    private final List<IdempotencyRecord> records = new ArrayList<>();
    private final MembershipView membership;
    private final Instant now;
    private int applied;
    private double magnitude;

    private Resolver(StoredState state) {
        this.stored = state.counters();
        this.known = new HashMap<>(state.records());
        this.membership = new MembershipView(stored.keySet(), state.members());
        this.now = state.now();
        stored.forEach((id, counter) -> counters.put(id, counter.at(now)));
    }

    static Resolution resolve(StoredState state, List<Command> commands) {
        Resolver resolver = new Resolver(state);
        List<Outcome> outcomes = commands.stream().map(resolver::answer).toList();
        return new Resolution(
                outcomes,
                resolver.changes(),
                resolver.membership.changes(),
                resolver.records,
                resolver.applied,
                resolver.magnitude);
    }

    private List<Resolution.Change> changes() {
        List<Resolution.Change> changes = new ArrayList<>();
        for (CounterId id : touched) {
            Counter before = stored.get(id);
            Counter after = counters.get(id);
            if (!Objects.equals(before, after)) {
                changes.add(new Resolution.Change(id, before, after, now));
            }
        }
        return changes;
    }

    private Outcome answer(Command command) {
        IdempotencyKey key = command.key();
        if (key == null) {
            return decide(command.operation());
        }
        IdempotencyRecord before = known.get(key);
        if (before != null) {
            return before.answer(command.fingerprint());
        }
        Outcome outcome = decide(command.operation());
        if (outcome instanceof Success success) {
            store(new IdempotencyRecord(key, command.fingerprint(), success));
        }
        return outcome;
    }

    private void store(IdempotencyRecord fresh) {
        known.put(fresh.key(), fresh);
        records.add(fresh);
    }

    private Outcome decide(Operation operation) {
        return switch (operation) {
            case Operation.Single single -> decide(single, counters.get(single.counter()));
            case Transaction transaction -> transact(transaction);
        };
    }

    private Outcome decide(Operation.Single operation, @Nullable Counter counter) {
        // A precondition counts only where the request without it would have succeeded (RFC 9110, section 13.2.1).
        return switch (operation) {
            case Increment increment -> increment(increment, counter);
            case Create create -> create(create, counter);
            case Amend amend -> counter == null ? new NotFound() : amend(amend, counter);
            case Delete delete -> counter == null ? new NotFound() : delete(delete, counter);
            case Join join -> join(join.member(), counter);
            case Leave leave -> counter == null ? new Moved(false, false, 0, 0) : leave(leave.member(), counter);
            case Sweep sweep -> sweep(sweep.counter(), counter);
        };
    }

    private Outcome transact(Transaction transaction) {
        Map<CounterId, @Nullable Counter> before = new HashMap<>();
        transaction.counters().forEach(id -> before.put(id, counters.get(id)));
        int touchedBefore = touched.size();
        int appliedBefore = applied;
        double magnitudeBefore = magnitude;
        List<Incremented> results = new ArrayList<>();
        for (Increment increment : transaction.increments()) {
            switch (increment(increment, counters.get(increment.counter()))) {
                case Incremented incremented -> results.add(incremented);
                case Refusal refusal -> {
                    counters.putAll(before);
                    // In the order of their first touch.
                    List.copyOf(touched).subList(touchedBefore, touched.size()).forEach(touched::remove);
                    applied = appliedBefore;
                    magnitude = magnitudeBefore;
                    return new TransactionRefused(results.size(), increment.counter(), refusal);
                }
                case Outcome other -> throw new IllegalStateException("no answer to an increment: " + other);
            }
        }
        return new TransactionApplied(results);
    }

    private Outcome increment(Increment increment, @Nullable Counter counter) {
        if (!increment.precondition().holds(counter)) {
            return new PreconditionFailed(counter == null ? null : counter.version());
        }
        if (counter == null && isPast(increment.defaults())) {
            return expiryPassed(increment.defaults());
        }
        Counter from = counter == null ? fresh(increment.counter(), Kind.PLAIN, increment.defaults()) : counter;
        if (from.kind() != Kind.PLAIN) {
            return new WrongKind(from.kind());
        }
        BoundExceeded exceeded = exceeded(from, increment.delta());
        if (increment.atMost()) {
            return new IncrementedAtMost(addAtMost(from, exceeded == null ? increment.delta() : room(exceeded)));
        }
        return exceeded == null ? add(from, increment.delta()) : exceeded;
    }

    private Outcome sweep(CounterId id, @Nullable Counter counter) {
        boolean due = !touched.contains(id) && !Objects.equals(stored.get(id), counter);
        if (due) {
            put(id, counter);
        }
        return new Swept(due);
    }

    private Incremented add(Counter from, long delta) {
        Counter after = next(from, from.value() + delta);
        return new Incremented(after.value(), after.version(), delta);
    }

    /** Adds nothing to an existing counter without an operation: its version stays. An absent one is created. */
    private Incremented addAtMost(Counter from, long delta) {
        return delta == 0 && from.version() > 0 ? new Incremented(from.value(), from.version(), 0) : add(from, delta);
    }

    /** The delta from the value, which lies within the bounds, to the bound that an increment would exceed. */
    private static long room(BoundExceeded exceeded) {
        return exceeded.limit() - exceeded.value();
    }

    private Outcome create(Create create, @Nullable Counter counter) {
        if (!create.precondition().holds(counter)) {
            return new PreconditionFailed(counter == null ? null : counter.version());
        }
        if (counter != null) {
            return new Found(counter);
        }
        NewCounter state = create.state();
        return isPast(state)
                ? expiryPassed(state)
                : new Created(next(fresh(create.counter(), Kind.PLAIN, state), state.initial()));
    }

    private Outcome amend(Amend amend, Counter counter) {
        if (!amend.precondition().holds(counter)) {
            return new PreconditionFailed(counter.version());
        }
        if (counter.kind() != Kind.PLAIN) {
            return new WrongKind(counter.kind());
        }
        Long min = amend.min().after(counter.bounds().min());
        Long max = amend.max().after(counter.bounds().max());
        if (min != null && max != null && min > max) {
            return new BoundsInverted(min, max);
        }
        long value = amend.value() == null ? counter.value() : amend.value();
        if (min != null && value < min) {
            return new BoundExceeded(End.MIN, min, counter.value());
        }
        if (max != null && value > max) {
            return new BoundExceeded(End.MAX, max, counter.value());
        }
        Bounds bounds = new Bounds(min, max);
        long initial = amend.initial() == null ? counter.initial() : amend.initial();
        if (!bounds.admit(initial)) {
            return new InitialExcluded(initial, bounds);
        }
        Instant expiresAt = expiresAt(amend.expiry(), counter);
        return expiresAt != null && isPast(expiresAt)
                ? new ExpiryPassed(expiresAt)
                : new Amended(put(new Counter(
                        counter.id(),
                        counter.kind(),
                        value,
                        counter.version() + 1,
                        initial,
                        bounds,
                        period(amend.recurrence(), counter),
                        expiresAt,
                        counter.createdAt(),
                        now)));
    }

    private static @Nullable Instant expiresAt(Edit<Expiry> edit, Counter counter) {
        return switch (edit) {
            case Edit.Keep<Expiry> keep -> counter.expiresAt();
            case Edit.Set<Expiry> set ->
                set.value() == null ? null : set.value().at(counter.createdAt());
        };
    }

    /** A new rule keeps the start of the current period, and with it what was counted since then. */
    private @Nullable Period period(Edit<Recurrence> edit, Counter counter) {
        Period period = counter.period();
        Recurrence recurrence = edit.after(period == null ? null : period.recurrence());
        if (recurrence == null || period == null) {
            return recurrence == null ? null : Period.at(now, recurrence, counter.version());
        }
        Instant time = period.start().isAfter(now) ? period.start() : now;
        return recurrence.equals(period.recurrence())
                ? period
                : period.until(Period.at(time, recurrence, counter.version()));
    }

    private boolean isPast(Instant expiresAt) {
        return !expiresAt.isAfter(now);
    }

    private boolean isPast(NewCounter state) {
        return state.expiry() != null && isPast(state.expiry().at(now));
    }

    private ExpiryPassed expiryPassed(NewCounter state) {
        return new ExpiryPassed(Objects.requireNonNull(state.expiry()).at(now));
    }

    private Outcome delete(Delete delete, Counter counter) {
        if (!delete.precondition().holds(counter)) {
            return new PreconditionFailed(counter.version());
        }
        if (counter.kind() == Kind.MEMBERS && counter.value() > MEMBERS_REMOVED_MAX) {
            return new TooManyMembers(MEMBERS_REMOVED_MAX, counter.value());
        }
        membership.empty(counter.id());
        put(counter.id(), null);
        return new Deleted();
    }

    private Outcome join(MemberId member, @Nullable Counter counter) {
        Counter from = counter == null ? fresh(member.counter(), Kind.MEMBERS, NewCounter.DEFAULT) : counter;
        return from.kind() == Kind.MEMBERS ? move(member, true, from) : new WrongKind(from.kind());
    }

    private Outcome leave(MemberId member, Counter counter) {
        return counter.kind() == Kind.MEMBERS ? move(member, false, counter) : new WrongKind(counter.kind());
    }

    private Outcome move(MemberId member, boolean joins, Counter counter) {
        if (membership.isMember(member) == joins) {
            return new Moved(joins, false, counter.value(), counter.version());
        }
        membership.put(member, joins);
        Counter after = next(counter, counter.value() + (joins ? 1 : -1));
        return new Moved(joins, true, after.value(), after.version());
    }

    /** A counter before its first operation. */
    private Counter fresh(CounterId id, Kind kind, NewCounter state) {
        Recurrence recurrence = state.recurrence();
        Expiry expiry = state.expiry();
        return new Counter(
                id,
                kind,
                state.initial(),
                0,
                state.initial(),
                state.bounds(),
                recurrence == null ? null : Period.at(now, recurrence, 0),
                expiry == null ? null : expiry.at(now),
                now,
                now);
    }

    private Counter next(Counter counter, long value) {
        return put(new Counter(
                counter.id(),
                counter.kind(),
                value,
                counter.version() + 1,
                counter.initial(),
                counter.bounds(),
                counter.period(),
                counter.expiresAt(),
                counter.createdAt(),
                now));
    }

    private Counter put(Counter next) {
        put(next.id(), next);
        return next;
    }

    private void put(CounterId id, @Nullable Counter after) {
        magnitude += Math.abs(value(after) - value(counters.put(id, after)));
        touched.add(id);
        applied++;
    }

    private static double value(@Nullable Counter counter) {
        return counter == null ? 0 : (double) counter.value();
    }

    /** The bound that adding {@code delta} would exceed; the range of 64 bits is a bound, too. */
    private @Nullable BoundExceeded exceeded(Counter counter, long delta) {
        BoundExceeded exceeded = exceeded(counter.value(), counter.bounds(), delta);
        Period period = counter.period();
        return exceeded == null || period == null
                ? exceeded
                : new BoundExceeded(
                        exceeded.end(), exceeded.limit(), exceeded.value(), renewal(period, counter, delta));
    }

    private Renewal renewal(Period period, Counter counter, long delta) {
        boolean room = exceeded(counter.initial(), counter.bounds(), delta) == null;
        // After the expiry there is no counter, and so no bound.
        Instant next = counter.isExpired(period.end()) ? Objects.requireNonNull(counter.expiresAt()) : period.end();
        return new Renewal(period.end(), room ? Duration.between(now, next) : null);
    }

    private static @Nullable BoundExceeded exceeded(long value, Bounds bounds, long delta) {
        Long max = bounds.max();
        Long min = bounds.min();
        long top = max == null ? Long.MAX_VALUE : max;
        long bottom = min == null ? Long.MIN_VALUE : min;
        // Compared by subtraction from the bound, which cannot overflow for a value within it.
        if (delta > 0 && (value > top || Long.compareUnsigned(top - value, delta) < 0)) {
            return new BoundExceeded(End.MAX, top, value);
        }
        if (delta < 0 && (value < bottom || Long.compareUnsigned(value - bottom, -delta) < 0)) {
            return new BoundExceeded(End.MIN, bottom, value);
        }
        return null;
    }
}
