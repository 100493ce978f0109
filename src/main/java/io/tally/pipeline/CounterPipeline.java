package io.tally.pipeline;

import io.tally.counter.Command;
import io.tally.counter.CounterId;
import io.tally.counter.Operation;
import io.tally.counter.Operation.Create;
import io.tally.counter.Operation.Delete;
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
 * Where operations enter and outcomes leave. An outcome is given only after the commit it speaks of is durable. Safe
 * for use by many threads; never blocks. An operation enters on subscription and cannot be called back by cancelling.
 *
 * <p>All operations of one counter go through one lane, in arrival order. When the application stops, this stops
 * admitting, waits for what was admitted and says what was left.
 */
public final class CounterPipeline implements SmartLifecycle {

    private static final int EXPIRY_INTERVAL_MILLIS = 250;
    private static final int PROBE_INTERVAL_MILLIS = 1_000;

    /** Goes all the way to the rows under lock, and can never be applied. */
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
    private final Lane<CounterId, Outcome> reads;
    private volatile boolean running;

    /**
     * A pipeline with its lanes.
     *
     * @param nanoClock {@link System#nanoTime} but in tests
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
        reads = lane("reads", new CounterReader(store, limits.waitMax(), nanoClock), nanos -> {}, store);
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

    /** Applies a command. Never fails: what went wrong is an outcome, too. */
    public Mono<Outcome> apply(Command command) {
        Mono<Outcome> outcome = command.operation() instanceof Create create
                ? getOrCreate(create, command)
                : laneOf(command).submit(command);
        return outcome.doOnNext(told -> metrics.recordOutcome(command.operation(), told.category(), 1));
    }

    /** Most callers find the counter there: a read spares them the lock. */
    private Mono<Outcome> getOrCreate(Create create, Command command) {
        return read(create.counter())
                .flatMap(outcome ->
                        outcome instanceof Found found && create.precondition().holds(found.counter())
                                ? Mono.just(outcome)
                                : laneOf(command).submit(command));
    }

    /**
     * Applies increments in their order, each for itself, and gives the outcomes together. Never fails. What there is
     * no room for, and what follows it on the same lane, is refused.
     */
    public Mono<List<Outcome>> applyAll(List<Command> increments) {
        return Mono.defer(() -> submitted(increments, submission(RetryPolicy.never())));
    }

    /**
     * Applies the increments of a stream, which come in blocks, in their order and each for itself. To be called on the
     * thread of the caller, once for each stream; blocks are to be subscribed to one after the other. A block never
     * fails. It does not complete before there was room for each increment, and waits some time for a database that is
     * away.
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

    /** The state of a counter, no older than what was acknowledged to anybody before. Never fails. */
    public Mono<Outcome> read(CounterId counter) {
        return reads.submit(counter);
    }

    /** How many operations wait in a lane's queue. */
    public int queued(int lane) {
        return writes.get(lane).queued();
    }

    /** How long the batch in flight of a lane has been so; zero while none is. */
    public Duration batchAge(int lane) {
        return writes.get(lane).batchAge();
    }

    /** The same of the reads. */
    public Duration readsAge() {
        return reads.batchAge();
    }

    /** Whether a lane can write, as far as it knows: one that nobody wrote through since does not. */
    public boolean isAvailable(int lane) {
        return writers.get(lane).unavailableReason() == null;
    }

    /** What keeps lanes from writing; empty if nothing does. */
    public List<String> unavailableReasons() {
        return writers.stream()
                .map(FencedWriter::unavailableReason)
                .filter(Objects::nonNull)
                .distinct()
                .toList();
    }

    /** The memory's side of the books. */
    public Ledger ledger() {
        return ledger;
    }

    private Lane<Command, Outcome> laneOf(Command command) {
        return laneOf(
                switch (command.operation()) {
                    case Operation.Single single -> single.counter();
                    // Rows are locked in one order everywhere, so any lane will do.
                    case Transaction transaction ->
                        transaction.increments().getFirst().counter();
                });
    }

    private Lane<Command, Outcome> laneOf(CounterId counter) {
        // The high bits of the product depend on all bits of the hash; its low bits are those of the name's last
        // letter.
        int mixed = (counter.hashCode() * GOLDEN_RATIO) >>> 16;
        return writes.get(mixed % writes.size());
    }

    @Scheduled(fixedRate = EXPIRY_INTERVAL_MILLIS)
    void expire() {
        writes.forEach(Lane::expire);
        reads.expire();
    }

    /** Probes unavailable lanes, so that they become available again even while no client writes. */
    @Scheduled(fixedDelay = PROBE_INTERVAL_MILLIS)
    Mono<Void> probe() {
        return Flux.range(0, writers.size())
                .filter(lane -> writers.get(lane).unavailableReason() != null)
                .flatMap(lane -> writes.get(lane).submit(PROBE), writers.size())
                .then();
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
