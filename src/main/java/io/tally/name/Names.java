package io.tally.name;

import io.tally.counter.Outcome.Overloaded;
import io.tally.counter.Outcome.StoreUnavailable;
import io.tally.name.NameAnswer.Unnamed;
import io.tally.pipeline.Bulk;
import io.tally.pipeline.CallerThreads;
import io.tally.pipeline.Lane;
import io.tally.pipeline.LaneOwner;
import io.tally.pipeline.PipelineProperties;
import java.time.Duration;
import java.util.List;
import java.util.function.LongSupplier;
import org.springframework.scheduling.annotation.Scheduled;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/**
 * Names and their ids. Requests that come while others are carried out share the next statement. Safe for use by many threads;
 * never blocks.
 */
public final class Names extends LaneOwner {

    private static final int EXPIRY_INTERVAL_MILLIS = 250;

    private final NameStore store;
    private final PipelineProperties limits;
    private final CallerThreads threads;
    private final LongSupplier nanoClock;
    private final Lane<Wanted, NameAnswer> lane;

    Names(NameStore store, PipelineProperties limits, CallerThreads threads, LongSupplier nanoClock) {
        this.store = store;
        this.limits = limits;
        this.threads = threads;
        this.nanoClock = nanoClock;
        this.lane = new Lane<>(
                "names",
                // A name costs about what a counter does.
                new Lane.Limits(limits.batchCountersMax(), limits.queueOperationsMax(), limits.waitMax()),
                new NameMaker(store, limits, nanoClock),
                threads,
                nanos -> {},
                nanoClock);
    }

    /**
     * Gets or makes names, and gives the answers together, in their order. Never fails: what went wrong is an answer, too.
     * Cancelling gives up the answers, never what was handed in.
     */
    public Mono<List<NameAnswer>> getOrMake(List<Wanted> wanted) {
        return Mono.defer(() -> bulk(wanted).once());
    }

    /**
     * The same, for those who can wait: does not complete before there was room for each, and takes some time to find a
     * database that is away.
     */
    public Mono<List<NameAnswer>> getOrMakePatiently(List<Wanted> wanted) {
        return Mono.defer(() -> bulk(wanted)
                .patiently(
                        nanoClock,
                        nanoClock.getAsLong() + limits.outcomeMax().toNanos(),
                        Schedulers.fromExecutor(threads.current())));
    }

    private Bulk<Wanted, NameAnswer> bulk(List<Wanted> wanted) {
        return new Bulk<>(
                wanted,
                any -> lane,
                answer -> answer instanceof Unnamed unnamed && unnamed.why() instanceof Overloaded,
                answer -> answer instanceof Unnamed unnamed && unnamed.why() instanceof StoreUnavailable);
    }

    /** A name that exists; empty where it does not. Fails with {@link io.tally.pipeline.StoreFailure} only. */
    public Mono<Known> find(NameKey key) {
        return store.find(List.of(key)).mapNotNull(known -> known.get(key));
    }

    /** The name with that id in a namespace; empty where there is none. Fails as {@link #find(NameKey)} does. */
    public Mono<Known> find(String namespace, long id) {
        return store.find(namespace, id);
    }

    @Scheduled(fixedRate = EXPIRY_INTERVAL_MILLIS)
    void expire() {
        lane.expire();
    }

    @Override
    protected Lane<?, ?> lane() {
        return lane;
    }

    @Override
    protected Duration drainMax() {
        return limits.drainMax();
    }
}
