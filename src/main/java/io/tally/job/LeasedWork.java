package io.tally.job;

import io.tally.pipeline.StoreFailure;
import java.time.Duration;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.event.ContextClosedEvent;
import org.springframework.context.event.EventListener;
import org.springframework.scheduling.annotation.Scheduled;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/**
 * Long work that an instance owns by a lease. Each instance claims work on a schedule and runs one claim at a time,
 * until it stops.
 *
 * @param <C> a claim
 */
public abstract class LeasedWork<C> {

    /** Another instance may take over work whose owner has not renewed its lease for this long. */
    public static final Duration LEASE = Duration.ofSeconds(10);

    private static final Logger log = LoggerFactory.getLogger(LeasedWork.class);

    private static final int CLAIM_INTERVAL_MILLIS = 500;

    private final Sinks.Empty<Void> stopping = Sinks.empty();
    private volatile boolean stopped;

    /** Claims work that no instance owns; empty if there is none. */
    protected abstract Mono<C> claim();

    /** Works on a claim until the work is finished, its lease is lost, or this instance stops. */
    protected abstract Mono<Void> run(C claim);

    /** Claims work, if there is any, and runs it. */
    @Scheduled(fixedDelay = CLAIM_INTERVAL_MILLIS)
    public final Mono<Void> work() {
        return Mono.defer(() -> stopped ? Mono.<C>empty() : claim())
                // The next scheduled claim retries; the lanes log an unavailable database.
                .doOnError(StoreFailure.class, failure -> log.debug("No work was claimed", failure))
                .onErrorComplete(StoreFailure.class)
                .flatMap(this::run);
    }

    /** Renews the lease at an interval while the work runs. The next renewal compensates for a failed one. */
    protected static Mono<Void> renewing(Duration interval, Supplier<? extends Mono<?>> renewal, Mono<Void> work) {
        Sinks.Empty<Void> ended = Sinks.empty();
        Mono<Void> renewals = Flux.interval(interval)
                .onBackpressureDrop()
                // Awaits a renewal in flight, since a cancelled statement may cost its connection.
                .takeUntilOther(ended.asMono())
                .concatMap(tick -> renewal.get().onErrorComplete(StoreFailure.class), 0)
                .then();
        return Mono.whenDelayError(work.doFinally(signal -> ended.tryEmitEmpty()), renewals);
    }

    /** Stops claiming. The scheduler waits for the work in progress before it stops. */
    @EventListener(ContextClosedEvent.class)
    public final void stop() {
        stopped = true;
        stopping.tryEmitEmpty();
    }

    /** Completes when this instance stops. */
    protected final Mono<Void> stopping() {
        return stopping.asMono();
    }

    protected final boolean isStopped() {
        return stopped;
    }
}
