package io.tally.lane;

import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Limits the batches that several lanes have in flight at the same time. Many lanes on one server would otherwise write
 * many small batches: while a lane waits here, its queue grows, and its next batch is larger. Lanes take turns.
 *
 * <p>A batch that is in flight for longer than usual does not count. So a lane that waits for its server delays no lane
 * of another server for longer than that, or until the next call of {@link Lane#expire}. Safe for use by many threads.
 */
public final class FlightLimit {

    /** More than a batch takes on a server nearby, a slow disk included. */
    private static final Duration COUNTED_MAX = Duration.ofMillis(5);

    private final int max;
    private final LongSupplier nanoClock;
    private final Map<Lane<?, ?>, Long> beginnings = new HashMap<>();
    private final Set<Lane<?, ?>> waiting = new LinkedHashSet<>();

    /**
     * A limit without batches.
     *
     * @param max the maximum of batches in flight that count
     */
    public FlightLimit(int max, LongSupplier nanoClock) {
        this.max = max;
        this.nanoClock = nanoClock;
    }

    /** Whether the lane may send a batch now. If not, it is drained when a batch of another lane has ended. */
    synchronized boolean enter(Lane<?, ?> lane) {
        long now = nanoClock.getAsLong();
        long counted = beginnings.values().stream()
                .filter(begun -> now - begun < COUNTED_MAX.toNanos())
                .count();
        if (counted >= max) {
            waiting.add(lane);
            return false;
        }
        waiting.remove(lane);
        beginnings.put(lane, now);
        return true;
    }

    /** The batch of the lane has ended, or it has none to send after it entered. Nothing if it has not entered. */
    void leave(Lane<?, ?> lane) {
        Lane<?, ?> next = left(lane);
        if (next != null) {
            next.drain();
        }
    }

    private synchronized @Nullable Lane<?, ?> left(Lane<?, ?> lane) {
        if (beginnings.remove(lane) == null || waiting.isEmpty()) {
            return null;
        }
        Lane<?, ?> next = waiting.iterator().next();
        waiting.remove(next);
        return next;
    }
}
