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
     * The counters that differ from their state last seen, each as it is at some moment after subscription; nothing of
     * the others. Fails with {@link io.tally.pipeline.StoreFailure} only; may be cancelled.
     */
    Mono<List<Change>> since(List<Seen> seen);

    /**
     * The state of a counter that was last seen.
     *
     * @param version 0: there is none
     * @param createdAt of a counter that exists. Versions start over where a counter is created again, so that a
     *     version alone does not identify a state
     */
    record Seen(CounterId id, long version, @Nullable Instant createdAt) {

        private static final long UNSEEN = -1;

        /** No state was seen: any state is a change. */
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
     * @param place in the list of counters that was passed in, from 0
     * @param counter {@code null}: there is none
     */
    record Change(int place, @Nullable Counter counter) {}
}
