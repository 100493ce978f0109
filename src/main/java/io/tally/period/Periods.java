package io.tally.period;

import io.tally.counter.CounterId;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** The ended periods of counters. Fails with {@link io.tally.pipeline.StoreFailure} only. */
public interface Periods {

    /**
     * The ended periods of a counter in which operations were applied, the last one first. Empty if the counter does
     * not exist.
     *
     * @param before the end of the period before the first one to list; {@code null} for the first page
     * @param max the maximum of periods
     */
    Mono<List<Ended>> list(CounterId counter, @Nullable Instant before, int max);

    /**
     * An ended period.
     *
     * @param start the start, included
     * @param end the end, excluded
     * @param value the value at the end
     */
    record Ended(Instant start, Instant end, long value) {}
}
