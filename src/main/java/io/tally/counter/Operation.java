package io.tally.counter;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** A requested change, which the service applies completely or not at all. */
public sealed interface Operation {

    /** The counters of the operation, in its order; a counter may occur twice. */
    List<CounterId> counters();

    /** A change of one counter. */
    sealed interface Single extends Operation {

        /** The counter of the operation. */
        CounterId counter();

        /** The precondition of the operation. */
        Precondition precondition();

        @Override
        default List<CounterId> counters() {
            return List.of(counter());
        }
    }

    /**
     * Adds {@code delta}, which may be negative or zero. Creates an absent counter first.
     *
     * @param defaults the state that an absent counter is created with; an existing counter ignores it
     * @param atMost whether the part of {@code delta} that fits into the bounds is added, instead of all or nothing
     */
    record Increment(CounterId counter, long delta, NewCounter defaults, boolean atMost, Precondition precondition)
            implements Single {
        /**
         * Checks that the counter may be created.
         *
         * @throws IllegalArgumentException with a message for the caller if it may not
         */
        public Increment {
            Naming.requireReachable(counter.name());
        }

        /** An increment that is added completely or not at all, and creates an absent counter with the value 0. */
        public Increment(CounterId counter, long delta, Precondition precondition) {
            this(counter, delta, NewCounter.DEFAULT, false, precondition);
        }

        /** Whether the increment can be added to the sum of others, if the counter exists. */
        public boolean isPlain() {
            return !atMost && precondition.equals(Precondition.NONE);
        }

        /** Whether an absent counter is created with another state than without this. */
        public boolean hasDefaults() {
            return !defaults.equals(NewCounter.DEFAULT);
        }
    }

    /** Creates the counter if it is absent; leaves an existing one unchanged. */
    record Create(CounterId counter, NewCounter state, Precondition precondition) implements Single {
        /**
         * Checks that the counter may be created.
         *
         * @throws IllegalArgumentException with a message for the caller if it may not
         */
        public Create {
            Naming.requireReachable(counter.name());
        }
    }

    /**
     * Sets some properties of an existing counter and leaves the others.
     *
     * @param value the new value, or {@code null} to keep it
     * @param initial the new initial value, or {@code null} to keep it
     * @param recurrence the rule of the periods. A new rule keeps the value, and sets the end of the current period
     */
    record Amend(
            CounterId counter,
            @Nullable Long value,
            @Nullable Long initial,
            Edit<Long> min,
            Edit<Long> max,
            Edit<Recurrence> recurrence,
            Edit<Expiry> expiry,
            Precondition precondition)
            implements Single {
        /**
         * Checks the new initial value against the new bounds.
         *
         * @throws IllegalArgumentException with a message for the caller if they exclude it
         */
        public Amend {
            if (initial != null) {
                new Bounds(min.after(null), max.after(null)).requireInitial(initial);
            }
        }

        /** A change that keeps the periods and the expiry. */
        public Amend(
                CounterId counter,
                @Nullable Long value,
                @Nullable Long initial,
                Edit<Long> min,
                Edit<Long> max,
                Precondition precondition) {
            this(counter, value, initial, min, max, Edit.keep(), Edit.keep(), precondition);
        }
    }

    /** Removes an existing counter. */
    record Delete(CounterId counter, Precondition precondition) implements Single {}

    /** Stores what time has changed: begins the current period of a counter, or removes an expired one. */
    record Sweep(CounterId counter) implements Single {
        @Override
        public Precondition precondition() {
            return Precondition.NONE;
        }
    }

    /** The join or leave of a member. */
    sealed interface Move extends Single {

        /** The member. */
        MemberId member();

        @Override
        default CounterId counter() {
            return member().counter();
        }

        @Override
        default Precondition precondition() {
            return Precondition.NONE;
        }
    }

    /** Adds a member to a counter. Creates an absent counter. */
    record Join(MemberId member) implements Move {
        /**
         * Checks that the counter and the member may be created.
         *
         * @throws IllegalArgumentException with a message for the caller if one may not
         */
        public Join {
            Naming.requireReachable(member.counter().name());
            Naming.requireReachable(member.member());
        }
    }

    /** Removes a member from a counter. */
    record Leave(MemberId member) implements Move {}

    /**
     * Increments in order, all or none.
     *
     * @param increments at least one; none has a precondition or is {@code atMost}
     */
    record Transaction(List<Increment> increments) implements Operation {
        /** Copies the list. */
        public Transaction {
            increments = List.copyOf(increments);
        }

        @Override
        public List<CounterId> counters() {
            return increments.stream().map(Increment::counter).toList();
        }
    }
}
