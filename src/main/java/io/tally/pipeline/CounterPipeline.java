package io.tally.pipeline;

import io.tally.counter.Command;
import io.tally.counter.CounterId;
import io.tally.counter.Operation;
import io.tally.counter.Operation.Create;
import io.tally.counter.Operation.Single;
import io.tally.counter.Operation.Sweep;
import io.tally.counter.Operation.Transaction;
import io.tally.counter.Outcome;
import io.tally.counter.Outcome.CrossShard;
import io.tally.counter.Outcome.Found;
import io.tally.counter.Outcome.Overloaded;
import io.tally.counter.Outcome.StoreUnavailable;
import io.tally.counter.OutcomeCategory;
import io.tally.lane.CallerExecutor;
import io.tally.lane.FlightLimit;
import io.tally.lane.Lane;
import io.tally.lane.LaneOwner;
import io.tally.lane.OrderedSubmission;
import io.tally.lane.OrderedSubmission.RetryPolicy;
import io.tally.shard.PerShard;
import io.tally.shard.ShardRuns;
import io.tally.shard.Sharding;
import java.time.Duration;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import java.util.function.LongSupplier;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.springframework.scheduling.annotation.Scheduled;
import reactor.core.publisher.Mono;

/**
 * The entry point for operations on counters. An outcome is emitted only after its commit is durable. Safe for use by
 * many threads; never blocks. An operation enters on subscription, and cancelling does not withdraw it.
 *
 * <p>Each shard has its own lanes. All operations of one counter go through one lane, in arrival order. At shutdown it
 * admits no more operations, drains its lanes and logs the operations that are left.
 */
public final class CounterPipeline extends LaneOwner {

    private static final int PROBE_INTERVAL_MILLIS = 1_000;

    /** With several shards: one batch commits while Tally prepares the other, as the lanes of one shard do. */
    private static final int FLIGHTS_MIN = 2;

    private final PipelineProperties limits;
    private final int lanesOfShard;
    private final LaneMetrics metrics;
    private final CallerExecutor callerExecutor;
    private final LongSupplier nanoClock;
    private final PerShard<ShardLanes> shards;
    private final ShardRuns probes;

    /**
     * A pipeline with its lanes.
     *
     * @param nanoClock {@link System#nanoTime}, except in tests
     */
    public CounterPipeline(
            PerShard<CounterStore> stores,
            PipelineProperties limits,
            LaneMetrics metrics,
            CallerExecutor callerExecutor,
            LongSupplier nanoClock) {
        this.limits = limits;
        this.lanesOfShard = limits.lanes(stores.sharding().count());
        this.metrics = metrics;
        this.callerExecutor = callerExecutor;
        this.nanoClock = nanoClock;
        FlightLimit flights =
                stores.sharding().count() == 1 ? null : new FlightLimit(Math.max(FLIGHTS_MIN, lanesOfShard), nanoClock);
        this.shards = PerShard.of(
                stores.sharding(),
                index -> new ShardLanes(
                        stores.sharding(),
                        index,
                        stores.at(index),
                        limits,
                        metrics,
                        callerExecutor,
                        nanoClock,
                        flights));
        this.probes = ShardRuns.onAll(shards, ShardLanes::probe);
    }

    /** Applies a command. Never fails: a failure is an outcome, too. */
    public Mono<Outcome> apply(Command command) {
        return outcome(command).doOnNext(told -> metrics.recordOutcome(command.operation(), told.category(), 1));
    }

    private Mono<Outcome> outcome(Command command) {
        return switch (command.operation()) {
            case Create create -> getOrCreate(create, command);
            case Transaction transaction ->
                isInOneShard(transaction) ? laneOf(command).submit(command) : Mono.just(new CrossShard());
            case Single single -> laneOf(command).submit(command);
        };
    }

    private boolean isInOneShard(Operation operation) {
        Sharding sharding = shards.sharding();
        return operation.counters().stream()
                        .mapToInt(counter -> sharding.indexOf(counter.namespace()))
                        .distinct()
                        .count()
                == 1;
    }

    /** Reads first, since for most callers the counter exists, and a read needs no lock. */
    private Mono<Outcome> getOrCreate(Create create, Command command) {
        return read(create.counter())
                .flatMap(outcome ->
                        outcome instanceof Found found && create.precondition().holds(found.counter())
                                ? Mono.just(outcome)
                                : laneOf(command).submit(command));
    }

    /**
     * Applies independent increments in order, and emits the outcomes together. Never fails. If a lane's queue is full,
     * the increment and all later ones of that lane are refused.
     */
    public Mono<List<Outcome>> applyAll(List<Command> increments) {
        return Mono.defer(() -> submitted(increments, submission(RetryPolicy.never())));
    }

    /**
     * Applies the independent increments of a stream, in blocks and in order. Call it on the caller's thread, once for
     * each stream, and subscribe to the blocks one after the other. A block never fails. It waits until the queue has
     * room for each increment, and for some time while the database is unavailable.
     */
    public Function<List<Command>, Mono<List<Outcome>>> stream() {
        OrderedSubmission<Command, Outcome> stream = submission(this::isRetried);
        return increments -> submitted(increments, stream);
    }

    private boolean isRetried(Outcome outcome, long nanos) {
        return outcome instanceof Overloaded
                || (outcome instanceof StoreUnavailable
                        && nanos < limits.outcomeMax().toNanos());
    }

    private OrderedSubmission<Command, Outcome> submission(RetryPolicy<Outcome> retry) {
        return new OrderedSubmission<>(this::laneOf, retry, callerExecutor.current(), nanoClock);
    }

    private Mono<List<Outcome>> submitted(List<Command> increments, OrderedSubmission<Command, Outcome> submission) {
        return submission.submit(increments).doOnNext(outcomes -> recordOutcome(increments, outcomes));
    }

    private void recordOutcome(List<Command> increments, List<Outcome> outcomes) {
        Map<OutcomeCategory, Long> counts = new EnumMap<>(OutcomeCategory.class);
        outcomes.forEach(outcome -> counts.merge(outcome.category(), 1L, Long::sum));
        counts.forEach(
                (category, count) -> metrics.recordOutcome(increments.getFirst().operation(), category, count));
    }

    /**
     * Stores what time has changed in a counter: begins its current period, or removes it after its expiry. No caller's
     * operation, so it is not counted as one. Never fails.
     */
    public Mono<Outcome> sweep(CounterId counter) {
        Command sweep = Command.of(new Sweep(counter));
        return laneOf(sweep).submit(sweep);
    }

    /** The state of a counter, no older than any operation acknowledged before. Never fails. */
    public Mono<Outcome> read(CounterId counter) {
        return shardOf(counter).reads().submit(new CounterQuery.State(counter));
    }

    /**
     * The outcome that an increment or a transaction would have in the current state, no older than any operation
     * acknowledged before. Applies and counts nothing. Never fails.
     */
    public Mono<Outcome> dryRun(Operation operation) {
        return isInOneShard(operation)
                ? shardOf(operation.counters().getFirst()).reads().submit(new CounterQuery.Expected(operation))
                : Mono.just(new CrossShard());
    }

    /** The number of lanes that write, of all shards. */
    public int writeLanes() {
        return shards.all().size() * lanesOfShard;
    }

    /** The number of operations that wait in a lane's queue. */
    public int queued(int lane) {
        return shardOf(lane).queued(lane % lanesOfShard);
    }

    /** The age of a lane's batch in flight; zero without one. */
    public Duration batchAge(int lane) {
        return shardOf(lane).batchAge(lane % lanesOfShard);
    }

    /** The lanes of reads. */
    public List<Lane<?, ?>> readLanes() {
        return shards.all().stream().<Lane<?, ?>>map(ShardLanes::reads).toList();
    }

    /** Whether the last batch of a lane reached the database. An idle lane does not detect an outage. */
    public boolean isAvailable(int lane) {
        return shardOf(lane).unavailableReason(lane % lanesOfShard) == null;
    }

    /** The reasons why lanes cannot write; empty if all can. */
    public List<String> unavailableReasons() {
        return IntStream.range(0, writeLanes())
                .mapToObj(this::unavailableReason)
                .filter(Objects::nonNull)
                .distinct()
                .toList();
    }

    private @Nullable String unavailableReason(int lane) {
        int shard = lane / lanesOfShard;
        String reason = shards.at(shard).unavailableReason(lane % lanesOfShard);
        return reason == null || shards.all().size() == 1 ? reason : "shard " + Sharding.number(shard) + ": " + reason;
    }

    /** The acknowledged operations of this instance in each shard. */
    public PerShard<Ledger> ledgers() {
        return shards.map(ShardLanes::ledger);
    }

    private Lane<Command, Outcome> laneOf(Command command) {
        return laneOf(
                switch (command.operation()) {
                    case Single single -> single.counter();
                    // All statements lock rows in the same order, so any lane is correct.
                    case Transaction transaction ->
                        transaction.increments().getFirst().counter();
                });
    }

    private Lane<Command, Outcome> laneOf(CounterId counter) {
        return shardOf(counter).laneOf(counter);
    }

    private ShardLanes shardOf(CounterId counter) {
        return shards.of(counter.namespace());
    }

    private ShardLanes shardOf(int lane) {
        return shards.at(lane / lanesOfShard);
    }

    /**
     * Probes lanes while no client writes. An unavailable lane becomes available again as soon as the database does. A
     * lost connection of an idle lane is replaced before the next operation arrives.
     */
    @Scheduled(fixedRate = PROBE_INTERVAL_MILLIS)
    Mono<Void> probe() {
        return probes.start();
    }

    @Override
    public List<Lane<?, ?>> lanes() {
        return shards.all().stream().flatMap(shard -> shard.lanes().stream()).toList();
    }

    @Override
    protected Duration drainMax() {
        return limits.drainMax();
    }
}
