package io.tally.pipeline;

import io.tally.counter.Command;
import io.tally.counter.CounterId;
import io.tally.counter.Outcome;
import io.tally.counter.Outcome.Overloaded;
import io.tally.counter.Outcome.StoreUnavailable;
import io.tally.counter.Outcome.Unknown;
import io.tally.lane.BatchHandler;
import io.tally.lane.PendingRequest;
import io.tally.pipeline.StoreFailure.Kind;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** Divides the batches of one lane into writes and sends these one after the other. */
final class BatchWriter implements BatchHandler<Command, Outcome> {
    /*
     * The writes of a batch
     *
     * Increments without a precondition are summed and added in one statement; members join and leave in another. The
     * Resolver decides what depends on the counter's state (a precondition, some requests of a group that a bound
     * refuses, the end of 64 bits) on locked rows. The fast statement leaves out the groups that a bound could refuse;
     * the Resolver decides these next, and the lane remembers their counters. Operations on a counter that refused
     * lately are refused by its state if possible, and only the others are written.
     *
     * An increment with defaults creates an absent counter by the Resolver. To a counter that existed lately it is
     * added as any other; the statement leaves it out if the counter is gone.
     *
     * Order
     *
     * All operations of one counter in one batch are in one write. Only the Resolver's may have to be divided, and then
     * a later part is not sent for the requests of an array or stream of which an earlier part was refused.
     */

    private static final Logger log = LoggerFactory.getLogger(BatchWriter.class);

    private static final int RECENT_MAX = 10_000;

    private final FencedWriter writer;
    private final int countersMax;
    private final Duration waitMax;
    private final LongSupplier nanoClock;
    private final RecentSet<CounterId> refusing = new RecentSet<>(RECENT_MAX);

    /** Counters that existed when an increment with defaults was decided. */
    private final RecentSet<CounterId> existing = new RecentSet<>(RECENT_MAX);

    /** Whether to forget the refusing counters before the next batch. Any thread may say so. */
    private volatile boolean forgetting;

    /** The time from which the rest of the batch in flight is no longer sent. */
    private long deadline;

    /**
     * The write side of one lane.
     *
     * @param countersMax the maximum of counters in one statement
     * @param waitMax the time-out for all writes of a batch together
     */
    BatchWriter(FencedWriter writer, int countersMax, Duration waitMax, LongSupplier nanoClock) {
        this.writer = writer;
        this.countersMax = countersMax;
        this.waitMax = waitMax;
        this.nanoClock = nanoClock;
    }

    @Override
    public Mono<Void> handle(List<PendingRequest<Command, Outcome>> requests) {
        deadline = nanoClock.getAsLong() + waitMax.toNanos();
        if (forgetting) {
            forgetting = false;
            refusing.clear();
        }
        Coalescer.Batch batch = Coalescer.coalesce(requests, refusing::contains, existing::contains);
        return Flux.concat(
                        write(batch),
                        Flux.fromIterable(ResolvedWrite.parts(batch.doubtful(), countersMax))
                                .concatMap(this::read))
                .then()
                .doOnCancel(this::forget);
    }

    /** A write whose outcome is unknown may still be under way. A lock waits for it, and a read does not. */
    private void forget() {
        forgetting = true;
    }

    /** Writes a batch, except for what is doubtful. */
    private Flux<Void> write(Coalescer.Batch batch) {
        return Flux.concat(
                Flux.fromIterable(parts(batch.increments()))
                        .concatMap(groups -> write(new IncrementWrite(groups, refusing))),
                Flux.fromIterable(parts(batch.memberships())).concatMap(groups -> write(new MembershipWrite(groups))),
                Flux.fromIterable(ResolvedWrite.parts(batch.conditional(), countersMax))
                        .concatMap(this::resolve));
    }

    /** Refuses what the state refuses, and writes the rest. */
    private Mono<Void> read(List<PendingRequest<Command, Outcome>> requests) {
        RefusalRead read = new RefusalRead(requests, refusing);
        return write(read, rest -> {
            Coalescer.Batch batch = read.divide(rest);
            return Flux.concat(
                            write(batch),
                            Flux.fromIterable(ResolvedWrite.parts(batch.doubtful(), countersMax))
                                    .concatMap(this::resolve))
                    .then();
        });
    }

    private List<List<CounterGroup>> parts(List<CounterGroup> groups) {
        List<List<CounterGroup>> parts = new ArrayList<>();
        for (int from = 0; from < groups.size(); from += countersMax) {
            parts.add(groups.subList(from, Math.min(from + countersMax, groups.size())));
        }
        return parts;
    }

    private Mono<Void> write(FencedWrite<?> write) {
        return write(write, this::resolve);
    }

    private <R> Mono<Void> write(
            FencedWrite<R> write, Function<List<PendingRequest<Command, Outcome>>, Mono<Void>> rest) {
        return writer.written(write, deadline)
                .map(result -> List.of(write.answer(result)))
                .onErrorResume(StoreFailure.class, failure -> Mono.just(afterFailure(write, failure)))
                .flatMapMany(Flux::fromIterable)
                .concatMap(rest)
                .then();
    }

    private Mono<Void> resolve(List<PendingRequest<Command, Outcome>> requests) {
        List<PendingRequest<Command, Outcome>> open = requests.stream()
                .filter(pending -> !pending.refuseAfterEarlier())
                .toList();
        return open.isEmpty() ? Mono.empty() : write(new ResolvedWrite(open, refusing, existing));
    }

    /** Answers the requests of a failed write; returns the requests that the resolver has to decide. */
    private List<List<PendingRequest<Command, Outcome>>> afterFailure(FencedWrite<?> write, StoreFailure failure) {
        if (failure.isRefusal()) {
            return write.isolate(failure);
        }
        List<PendingRequest<Command, Outcome>> requests = write.requests();
        // While the lane is unavailable, the writer has said so, and many batches may fail in a second.
        log.atLevel(failure.kind() == Kind.UNKNOWN || isAvailable() ? Level.WARN : Level.DEBUG)
                .log("{} operations failed: {}", requests.size(), failure.getMessage());
        if (failure.kind() == Kind.UNKNOWN) {
            forget();
            requests.forEach(pending -> pending.answer(new Unknown()));
        } else {
            requests.forEach(pending -> pending.refuse(new StoreUnavailable()));
        }
        return List.of();
    }

    @Override
    public Refusals<Outcome> refusals() {
        return new Refusals<>(new Overloaded(), new StoreUnavailable(), new Unknown());
    }

    @Override
    public boolean isAvailable() {
        return writer.unavailableReason() == null;
    }

    @Override
    public boolean commits() {
        return true;
    }

    @Override
    public Mono<Void> close() {
        return writer.close();
    }
}
