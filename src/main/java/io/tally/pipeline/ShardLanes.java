package io.tally.pipeline;

import io.tally.counter.Command;
import io.tally.counter.CounterId;
import io.tally.counter.Operation.Delete;
import io.tally.counter.Outcome;
import io.tally.counter.Precondition.AtVersion;
import io.tally.lane.BatchHandler;
import io.tally.lane.CallerExecutor;
import io.tally.lane.FlightLimit;
import io.tally.lane.Lane;
import io.tally.shard.Sharding;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.LongSupplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * The lanes of one shard: those that write, with their books, and the one that reads. Safe for use by many threads.
 *
 * <p>All operations of one counter go through one lane, in arrival order.
 */
final class ShardLanes {

    /** A probe that exercises the whole path up to the locked rows, and can never be applied. */
    private static final Command PROBE =
            Command.of(new Delete(new CounterId("tally", "probe"), new AtVersion(Set.of())));

    /** 2 to the 32 over the golden ratio, made odd: Knuth's multiplicative hashing. */
    private static final int GOLDEN_RATIO = 0x9E3779B9;

    private final PipelineProperties limits;
    private final CallerExecutor callerExecutor;
    private final LongSupplier nanoClock;
    private final @Nullable FlightLimit flights;
    private final Ledger ledger = new Ledger();
    private final List<FencedWriter> writers = new ArrayList<>();
    private final List<Lane<Command, Outcome>> writes = new ArrayList<>();
    private final Lane<CounterQuery, Outcome> reads;

    /**
     * The lanes of a shard.
     *
     * @param flights the limit for the lanes of all shards that write; {@code null} for none
     * @param index the index of the shard, from 0; its lanes have the numbers after those of the shards before
     */
    ShardLanes(
            Sharding sharding,
            int index,
            CounterStore store,
            PipelineProperties limits,
            LaneMetrics metrics,
            CallerExecutor callerExecutor,
            LongSupplier nanoClock,
            @Nullable FlightLimit flights) {
        this.limits = limits;
        this.callerExecutor = callerExecutor;
        this.nanoClock = nanoClock;
        this.flights = flights;
        int count = limits.lanes(sharding.count());
        int first = index * count;
        for (int lane = first; lane < first + count; lane++) {
            writes.add(write(lane, store, metrics));
        }
        reads = lane(
                sharding.label("reads", index),
                new CounterReader(store, limits.batchOperationsMax(), limits.waitMax(), nanoClock),
                nanos -> {},
                store,
                null);
    }

    private Lane<Command, Outcome> write(int lane, CounterStore store, LaneMetrics metrics) {
        FencedWriter writer =
                new FencedWriter(lane, store.writes(lane), limits.outcomeMax(), ledger, metrics, nanoClock);
        writers.add(writer);
        BatchWriter handler = new BatchWriter(writer, limits.batchCountersMax(), limits.waitMax(), nanoClock);
        return lane("lane " + lane, handler, nanos -> metrics.waited(lane, nanos), store, flights);
    }

    private <I> Lane<I, Outcome> lane(
            String name,
            BatchHandler<I, Outcome> handler,
            Lane.WaitObserver observer,
            CounterStore store,
            @Nullable FlightLimit shared) {
        Lane.Limits lane = new Lane.Limits(
                limits.batchOperationsMax(),
                limits.queueOperationsMax(),
                limits.waitMax(),
                limits.flightMax(store.callMax()));
        return new Lane<>(name, lane, handler, callerExecutor, observer, nanoClock, shared);
    }

    /** The lane of the operations of a counter. */
    Lane<Command, Outcome> laneOf(CounterId counter) {
        // The high bits of the product depend on all bits of the hash; the low bits depend only on the last letter of
        // the name.
        int mixed = (counter.hashCode() * GOLDEN_RATIO) >>> 16;
        return writes.get(mixed % writes.size());
    }

    /** The lane of reads. */
    Lane<CounterQuery, Outcome> reads() {
        return reads;
    }

    /** The acknowledged operations of this instance in the shard. */
    Ledger ledger() {
        return ledger;
    }

    /** The number of operations that wait in the queue of the lane with that index in the shard. */
    int queued(int lane) {
        return writes.get(lane).queued();
    }

    /** The age of the batch in flight of such a lane; zero without one. */
    Duration batchAge(int lane) {
        return writes.get(lane).batchAge();
    }

    /** The reason why such a lane cannot write; {@code null} if it can. */
    @Nullable
    String unavailableReason(int lane) {
        return writers.get(lane).unavailableReason();
    }

    /** Probes each lane. */
    Mono<Void> probe() {
        return Flux.range(0, writers.size())
                .flatMap(this::probe, writers.size())
                .then();
    }

    private Mono<Void> probe(int lane) {
        FencedWriter writer = writers.get(lane);
        return writer.unavailableReason() == null
                ? writer.probe()
                : writes.get(lane).submit(PROBE).then();
    }

    /** The lanes, that of reads included. */
    List<Lane<?, ?>> lanes() {
        return Stream.<Lane<?, ?>>concat(writes.stream(), Stream.of(reads)).toList();
    }
}
