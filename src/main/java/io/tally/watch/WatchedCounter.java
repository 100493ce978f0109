package io.tally.watch;

import io.tally.counter.CounterId;
import io.tally.watch.Changes.Seen;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * A watched counter: its latest state and its streams. Written by one poll at a time, read by any thread.
 */
final class WatchedCounter {

    private final CounterId id;
    private final Set<WatchStream> streams = ConcurrentHashMap.newKeySet(1);
    private volatile @Nullable State state;
    private volatile boolean ruledOut;
    private volatile boolean unreadable;

    WatchedCounter(CounterId id) {
        this.id = id;
    }

    CounterId id() {
        return id;
    }

    /** The latest state; {@code null} before the first poll. */
    @Nullable
    State state() {
        return state;
    }

    /** Whether the counter did not exist at the last poll. */
    boolean isAbsent() {
        State known = state;
        return known != null && known.version() == 0;
    }

    void become(State latest) {
        unreadable = false;
        state = latest;
    }

    /** Marks the counter as one that was not read; returns whether it was read before. */
    boolean becomeUnreadable() {
        boolean first = !unreadable;
        unreadable = true;
        return first;
    }

    /** Marks the counter as one that cannot exist. */
    void ruleOut(State absent) {
        ruledOut = true;
        become(absent);
    }

    boolean cannotExist() {
        return ruledOut;
    }

    Seen seen() {
        State known = state;
        return known == null ? Seen.nothing(id) : known.seen();
    }

    Set<WatchStream> streams() {
        return streams;
    }
}
