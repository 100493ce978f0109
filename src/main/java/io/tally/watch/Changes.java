package io.tally.watch;

import io.tally.counter.Counter;
import io.tally.counter.CounterId;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** Finds counters that have changed. */
public interface Changes {

    /**
     * The counters that differ from their last seen state, each with a state read after the subscription. Unchanged
     * counters are left out. Fails with {@link io.tally.pipeline.StoreFailure} only; may be cancelled.
     */
    Mono<List<Change>> since(List<Seen> seen);

    /**
     * The last seen state of a counter.
     *
     * @param version 0 if the counter does not exist
     * @param createdAt the time of creation of an existing counter. Versions start again if a counter is created again,
     *     so a version alone does not identify a state
     */
    record Seen(CounterId id, long version, @Nullable Instant createdAt) {

        private static final long UNSEEN = -1;

        /** No state: any state is a change. */
        static Seen nothing(CounterId id) {
            return new Seen(id, UNSEEN, null);
        }

        static Seen of(CounterId id, @Nullable Counter counter) {
            return counter == null ? new Seen(id, 0, null) : new Seen(id, counter.version(), counter.createdAt());
        }
    }

    /**
     * A counter that has changed.
     *
     * @param place the index in the passed list, from 0
     * @param counter {@code null} if the counter does not exist
     */
    record Change(int place, @Nullable Counter counter) {}
}
