package io.tally.counter;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** A change somebody asks for, which is made wholly or not at all. */
public sealed interface Operation {

    /** The counters it is about, in the order in which it names them; one may come twice. */
    List<CounterId> counters();

    /** A change of one counter. */
    sealed interface Single extends Operation {

        /** The counter it is about. */
        CounterId counter();

        /** What must hold for it to be applied. */
        Precondition precondition();

        @Override
        default List<CounterId> counters() {
            return List.of(counter());
        }
    }

    /** Adds {@code delta}, which may be negative or zero. Makes the counter, starting from 0, where it is absent. */
    record Increment(CounterId counter, long delta, Precondition precondition) implements Single {
        /**
         * Checks that the counter may be made.
         *
         * @throws IllegalArgumentException with a sentence fit for the caller where it may not
         */
        public Increment {
            Naming.requireReachable(counter.name());
        }
    }

    /**
     * Makes the counter where it is absent; leaves it as it is where it exists.
     *
     * @param initial the first value, within {@code bounds}
     */
    record Create(CounterId counter, long initial, Bounds bounds, Precondition precondition) implements Single {
        /**
         * Checks the name and the initial value.
         *
         * @throws IllegalArgumentException with a sentence fit for the caller where one is not allowed
         */
        public Create {
            Naming.requireReachable(counter.name());
            if (!bounds.admit(initial)) {
                throw new IllegalArgumentException("initial must be between min and max.");
            }
        }
    }

    /**
     * Sets parts of an existing counter and leaves the others.
     *
     * @param value the new value, or {@code null} to keep it
     */
    record Amend(CounterId counter, @Nullable Long value, Limit min, Limit max, Precondition precondition)
            implements Single {}

    /** Removes an existing counter. */
    record Delete(CounterId counter, Precondition precondition) implements Single {}

    /** A member that comes or goes. */
    sealed interface Move extends Single {

        /** Who. */
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

    /** Makes somebody a member. Makes the counter where it is absent. */
    record Join(MemberId member) implements Move {
        /**
         * Checks that both may be made.
         *
         * @throws IllegalArgumentException with a sentence fit for the caller where one may not
         */
        public Join {
            Naming.requireReachable(member.counter().name());
            Naming.requireReachable(member.member());
        }
    }

    /** Ends a membership. */
    record Leave(MemberId member) implements Move {}

    /**
     * Increments one after the other, all or none.
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

    /** What an {@link Amend} does to one end of the bounds. */
    sealed interface Limit {
        /** Leaves it as it is. */
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

        /** Sets it; {@code null} takes it away. */
        record Set(@Nullable Long limit) implements Limit {
            @Override
            public @Nullable Long after(@Nullable Long before) {
                return limit;
            }
        }
    }
}
