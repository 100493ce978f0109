package io.tally.counter;

import java.time.Duration;
import java.time.Instant;

/** When a counter expires. */
public sealed interface Expiry {

    /** The time of expiry of a counter that was created at that time. */
    Instant at(Instant createdAt);

    /**
     * Some time after the creation.
     *
     * @param seconds 1 to {@link #SECONDS_MAX}
     */
    record After(long seconds) implements Expiry {

        /** About a hundred years. */
        public static final long SECONDS_MAX = Duration.ofDays(36_600).toSeconds();

        /**
         * Checks the range.
         *
         * @throws IllegalArgumentException with a message for the caller if {@code seconds} is out of range
         */
        public After {
            if (seconds < 1 || seconds > SECONDS_MAX) {
                throw new IllegalArgumentException("ttlSeconds must be between 1 and " + SECONDS_MAX + ".");
            }
        }

        @Override
        public Instant at(Instant createdAt) {
            return createdAt.plusSeconds(seconds);
        }
    }

    /** A fixed time. */
    record At(Instant time) implements Expiry {

        /** The end of the year 9999, the last one that the notation of times can express. */
        public static final Instant MAX = Instant.parse("9999-12-31T23:59:59Z");

        /**
         * Checks the range.
         *
         * @throws IllegalArgumentException with a message for the caller if the time is too late
         */
        public At {
            if (time.isAfter(MAX)) {
                throw new IllegalArgumentException("expiresAt must be at most " + MAX + ".");
            }
        }

        @Override
        public Instant at(Instant createdAt) {
            return time;
        }
    }
}
