package io.tally.counter;

import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What must hold of a counter for an operation to be applied (RFC 9110, section 13). */
public sealed interface Precondition {

    /** Whether it holds of this state; {@code null} is a counter that does not exist. */
    boolean holds(@Nullable Counter counter);

    /** Holds always. */
    Precondition NONE = new None();
    /** Holds where the counter exists: {@code If-Match: *}. */
    Precondition EXISTS = new Exists();
    /** Holds where the counter does not exist: {@code If-None-Match: *}. */
    Precondition ABSENT = new Absent();

    /** See {@link #NONE}. */
    record None() implements Precondition {
        @Override
        public boolean holds(@Nullable Counter counter) {
            return true;
        }
    }

    /** See {@link #EXISTS}. */
    record Exists() implements Precondition {
        @Override
        public boolean holds(@Nullable Counter counter) {
            return counter != null;
        }
    }

    /** See {@link #ABSENT}. */
    record Absent() implements Precondition {
        @Override
        public boolean holds(@Nullable Counter counter) {
            return counter == null;
        }
    }

    /** Holds where the counter exists at one of these versions: {@code If-Match: "5", "6"}. */
    record AtVersion(Set<Long> versions) implements Precondition {
        /** Copies the set. */
        public AtVersion {
            versions = Set.copyOf(versions);
        }

        @Override
        public boolean holds(@Nullable Counter counter) {
            return counter != null && versions.contains(counter.version());
        }
    }
}
