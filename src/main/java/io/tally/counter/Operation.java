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

    /** Adds {@code delta}, which may be negative or zero. Creates an absent counter with the value 0 first. */
    record Increment(CounterId counter, long delta, Precondition precondition) implements Single {
        /**
         * Checks that the counter may be created.
         *
         * @throws IllegalArgumentException with a message for the caller if it may not
         */
        public Increment {
            Naming.requireReachable(counter.name());
        }
    }

    /**
     * Creates the counter if it is absent; leaves an existing one unchanged.
     *
     * @param initial the first value, within {@code bounds}
     */
    record Create(CounterId counter, long initial, Bounds bounds, Precondition precondition) implements Single {
        /**
         * Checks the name and the initial value.
         *
         * @throws IllegalArgumentException with a message for the caller if one is not allowed
         */
        public Create {
            Naming.requireReachable(counter.name());
            if (!bounds.admit(initial)) {
                throw new IllegalArgumentException("initial must be between min and max.");
            }
        }
    }

    /**
     * Sets some properties of an existing counter and leaves the others.
     *
     * @param value the new value, or {@code null} to keep it
     */
    record Amend(CounterId counter, @Nullable Long value, Limit min, Limit max, Precondition precondition)
            implements Single {}

    /** Removes an existing counter. */
    record Delete(CounterId counter, Precondition precondition) implements Single {}

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
     * @param increments at least one; none has a precondition
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

    /** The change of an {@link Amend} to one bound. */
    sealed interface Limit {
        /** Keeps the bound. */
        Limit KEEP = new Keep();

        /** The limit after this change. */
        @Nullable
        Long after(@Nullable Long before);

        /** See {@link #KEEP}. */
        record Keep() implements Limit {
            @Override
            public @Nullable Long after(@Nullable Long before) {
                return before;
            }
        }

        /** Sets the bound; {@code null} removes it. */
        record Set(@Nullable Long limit) implements Limit {
            @Override
            public @Nullable Long after(@Nullable Long before) {
                return limit;
            }
        }
    }
}
