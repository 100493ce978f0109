package io.tally.counter;

import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The precondition of an operation on a counter (RFC 9110, section 13). */
public sealed interface Precondition {

    /** Whether it is true for this state; {@code null} is a counter that does not exist. */
    boolean holds(@Nullable Counter counter);

    /** Always true. */
    Precondition NONE = new None();
    /** True if the counter exists: {@code If-Match: *}. */
    Precondition EXISTS = new Exists();
    /** True if the counter does not exist: {@code If-None-Match: *}. */
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

    /** True if the counter exists at one of these versions: {@code If-Match: "5", "6"}. */
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
