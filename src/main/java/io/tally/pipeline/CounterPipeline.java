package io.tally.pipeline;

import io.tally.counter.Command;
import io.tally.counter.CounterId;
import io.tally.counter.Operation;
import io.tally.counter.Operation.Create;
import io.tally.counter.Operation.Delete;
import io.tally.counter.Operation.Sweep;
import io.tally.counter.Operation.Transaction;
import io.tally.counter.Outcome;
import io.tally.counter.Outcome.Found;
import io.tally.counter.Outcome.Overloaded;
import io.tally.counter.Outcome.StoreUnavailable;
import io.tally.counter.OutcomeCategory;
import io.tally.counter.Precondition.AtVersion;
import io.tally.lane.BatchHandler;
import io.tally.lane.CallerExecutor;
import io.tally.lane.Lane;
import io.tally.lane.LaneOwner;
import io.tally.lane.OrderedSubmission;
import io.tally.lane.OrderedSubmission.RetryPolicy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.function.LongSupplier;
import org.springframework.context.SmartLifecycle;
import org.springframework.scheduling.annotation.Scheduled;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * The entry point for operations on counters. An outcome is emitted only after its commit is durable. Safe for use by
 * many threads; never blocks. An operation enters on subscription, and cancelling does not withdraw it.
 *
 * <p>All operations of one counter go through one lane, in arrival order. At shutdown it admits no more operations,
 * drains its lanes and logs the operations that are left.
 */
public final class CounterPipeline implements SmartLifecycle {

    private static final int EXPIRY_INTERVAL_MILLIS = 250;
    private static final int PROBE_INTERVAL_MILLIS = 1_000;

    /** A probe that exercises the whole path up to the locked rows, and can never be applied. */
    private static final Command PROBE =
            Command.of(new Delete(new CounterId("tally", "probe"), new AtVersion(Set.of())));

    /** 2 to the 32 over the golden ratio, made odd: Knuth's multiplicative hashing. */
    private static final int GOLDEN_RATIO = 0x9E3779B9;

    private final PipelineProperties limits;
    private final LaneMetrics metrics;
    private final CallerExecutor callerExecutor;
    private final LongSupplier nanoClock;
    private final Ledger ledger = new Ledger();
    private final List<FencedWriter> writers = new ArrayList<>();
    private final List<Lane<Command, Outcome>> writes = new ArrayList<>();
    private final Lane<CounterQuery, Outcome> reads;
    private volatile boolean running;

    /**
     * A pipeline with its lanes.
     *
     * @param nanoClock {@link System#nanoTime}, except in tests
     */
    public CounterPipeline(
            CounterStore store,
            PipelineProperties limits,
            LaneMetrics metrics,
            CallerExecutor callerExecutor,
            LongSupplier nanoClock) {
        this.limits = limits;
        this.metrics = metrics;
        this.callerExecutor = callerExecutor;
        this.nanoClock = nanoClock;
        for (int i = 0; i < limits.lanes(); i++) {
            int lane = i;
            FencedWriter writer =
                    new FencedWriter(lane, store.writes(lane), limits.outcomeMax(), ledger, metrics, nanoClock);
            writers.add(writer);
            BatchWriter handler = new BatchWriter(writer, limits.batchCountersMax(), limits.waitMax(), nanoClock);
            writes.add(lane("lane " + lane, handler, nanos -> metrics.waited(lane, nanos), store));
        }
        reads = lane(
                "reads",
                new CounterReader(store, limits.batchOperationsMax(), limits.waitMax(), nanoClock),
                nanos -> {},
                store);
    }

    private <I> Lane<I, Outcome> lane(
            String name, BatchHandler<I, Outcome> handler, Lane.WaitObserver observer, CounterStore store) {
        Lane.Limits lane = new Lane.Limits(
                limits.batchOperationsMax(),
                limits.queueOperationsMax(),
                limits.waitMax(),
                limits.flightMax(store.callMax()));
        return new Lane<>(name, lane, handler, callerExecutor, observer, nanoClock);
    }

    /** Applies a command. Never fails: a failure is an outcome, too. */
    public Mono<Outcome> apply(Command command) {
        Mono<Outcome> outcome = command.operation() instanceof Create create
                ? getOrCreate(create, command)
                : laneOf(command).submit(command);
        return outcome.doOnNext(told -> metrics.recordOutcome(command.operation(), told.category(), 1));
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
        return reads.submit(new CounterQuery.State(counter));
    }

    /**
     * The outcome that an increment or a transaction would have in the current state, no older than any operation
     * acknowledged before. Applies and counts nothing. Never fails.
     */
    public Mono<Outcome> dryRun(Operation operation) {
        return reads.submit(new CounterQuery.Expected(operation));
    }

    /** The number of operations that wait in a lane's queue. */
    public int queued(int lane) {
        return writes.get(lane).queued();
    }

    /** The age of a lane's batch in flight; zero without one. */
    public Duration batchAge(int lane) {
        return writes.get(lane).batchAge();
    }

    /** The age of the batch of reads in flight; zero without one. */
    public Duration readsAge() {
        return reads.batchAge();
    }

    /** Whether the last batch of a lane reached the database. An idle lane does not detect an outage. */
    public boolean isAvailable(int lane) {
        return writers.get(lane).unavailableReason() == null;
    }

    /** The reasons why lanes cannot write; empty if all can. */
    public List<String> unavailableReasons() {
        return writers.stream()
                .map(FencedWriter::unavailableReason)
                .filter(Objects::nonNull)
                .distinct()
                .toList();
    }

    /** The acknowledged operations of this instance. */
    public Ledger ledger() {
        return ledger;
    }

    private Lane<Command, Outcome> laneOf(Command command) {
        return laneOf(
                switch (command.operation()) {
                    case Operation.Single single -> single.counter();
                    // All statements lock rows in the same order, so any lane is correct.
                    case Transaction transaction ->
                        transaction.increments().getFirst().counter();
                });
    }

    private Lane<Command, Outcome> laneOf(CounterId counter) {
        // The high bits of the product depend on all bits of the hash; the low bits depend only on the last letter of
        // the name.
        int mixed = (counter.hashCode() * GOLDEN_RATIO) >>> 16;
        return writes.get(mixed % writes.size());
    }

    @Scheduled(fixedRate = EXPIRY_INTERVAL_MILLIS)
    void expire() {
        writes.forEach(Lane::expire);
        reads.expire();
    }

    /**
     * Probes lanes while no client writes. An unavailable lane becomes available again as soon as the database does. A
     * lost connection of an idle lane is replaced before the next operation arrives.
     */
    @Scheduled(fixedDelay = PROBE_INTERVAL_MILLIS)
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

    @Override
    public void start() {
        running = true;
    }

    @Override
    public void stop() {
        stop(() -> {});
    }

    @Override
    public void stop(Runnable callback) {
        AtomicInteger open = new AtomicInteger(writes.size() + 1);
        Runnable closed = () -> {
            if (open.decrementAndGet() == 0) {
                running = false;
                callback.run();
            }
        };
        writes.forEach(lane -> lane.close(limits.drainMax(), closed));
        reads.close(limits.drainMax(), closed);
    }

    @Override
    public boolean isRunning() {
        return running;
    }

    @Override
    public int getPhase() {
        return LaneOwner.PHASE;
    }
}
