package io.tally.watch;

import io.tally.counter.Counter;
import io.tally.counter.CounterId;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** Which counters are no longer as they were seen. */
public interface Changes {

    /**
     * Those that differ from what was seen of them, each as it is at some moment after subscription; nothing of the
     * others. Fails with {@link io.tally.pipeline.StoreFailure} only; may be cancelled.
     */
    Mono<List<Change>> since(List<Seen> seen);

    /**
     * What is known of a counter.
     *
     * @param version 0: there is none
     * @param createdAt of a counter that exists. Versions start over where a counter is created again, so that a
     *     version alone does not identify a state
     */
    record Seen(CounterId id, long version, @Nullable Instant createdAt) {

        private static final long UNSEEN = -1;

        /** Nothing is known: it is a change in any case. */
        static Seen nothing(CounterId id) {
            return new Seen(id, UNSEEN, null);
        }

        static Seen of(CounterId id, @Nullable Counter counter) {
            return counter == null ? new Seen(id, 0, null) : new Seen(id, counter.version(), counter.createdAt());
        }
    }

    /**
     * A counter that is not as it was seen.
     *
     * @param place in the list of those that were asked for, from 0
     * @param counter {@code null}: there is none
     */
    record Change(int place, @Nullable Counter counter) {}
}
