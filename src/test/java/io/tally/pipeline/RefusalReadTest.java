package io.tally.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.counter.Bounds;
import io.tally.counter.Command;
import io.tally.counter.CounterId;
import io.tally.counter.IdempotencyKey;
import io.tally.counter.Operation.Increment;
import io.tally.counter.Outcome;
import io.tally.counter.Outcome.BoundExceeded;
import io.tally.counter.Outcome.BoundExceeded.End;
import io.tally.counter.Precondition;
import io.tally.lane.PendingRequest;
import io.tally.pipeline.CounterStore.Fence;
import io.tally.pipeline.MemoryCounterStore.Fault;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import reactor.test.StepVerifier;

class RefusalReadTest {

    private static final CounterId COUNTER = new CounterId("stock", "left");

    private final AtomicReference<Fault> fault = new AtomicReference<>(Fault.NONE);
    private final MemoryCounterStore store = new MemoryCounterStore(fault::get, () -> Duration.ZERO);
    private final RecentSet<CounterId> refusing = new RecentSet<>(10);
    private final Map<Integer, Outcome> outcomes = new HashMap<>();

    private static Command increment(long delta, @Nullable String key) {
        return Command.of(
                new Increment(COUNTER, delta, Precondition.NONE),
                key == null ? null : new IdempotencyKey("stock", key));
    }

    private RefusalRead read(Command... commands) {
        List<PendingRequest<Command, Outcome>> requests = new ArrayList<>();
        for (int i = 0; i < commands.length; i++) {
            int index = i;
            requests.add(new PendingRequest<>(commands[i], outcome -> outcomes.put(index, outcome), 0));
        }
        return new RefusalRead(requests, refusing);
    }

    private Coalescer.Batch batch(RefusalRead read) {
        StoredState state = Objects.requireNonNull(
                read.send(store.writes(0), new Fence(1, 1)).block());
        return read.divide(read.answer(state));
    }

    private static List<Command> commands(List<PendingRequest<Command, Outcome>> requests) {
        return requests.stream().map(PendingRequest::request).toList();
    }

    private static List<Command> fast(Coalescer.Batch batch) {
        return batch.increments().stream()
                .flatMap(group -> commands(group.requests()).stream())
                .toList();
    }

    @Test
    void refusesWhatTheStateRefusesAndWritesTheRest() {
        store.put(COUNTER, 1, new Bounds(0L, null));
        refusing.add(COUNTER);
        Command first = increment(-1, null);

        Coalescer.Batch batch = batch(read(increment(-2, null), first, increment(-3, null)));

        assertThat(outcomes)
                .containsOnly(
                        Map.entry(0, new BoundExceeded(End.MIN, 0, 1)), Map.entry(2, new BoundExceeded(End.MIN, 0, 1)));
        assertThat(fast(batch)).containsExactly(first);
        assertThat(refusing.contains(COUNTER)).isTrue();
    }

    @Test
    void decidesRequestsThatExcludeEachOther() {
        store.put(COUNTER, 1, new Bounds(0L, null));
        Command first = increment(-1, null);
        Command second = increment(-1, null);

        Coalescer.Batch batch = batch(read(first, second));

        assertThat(outcomes).isEmpty();
        assertThat(commands(batch.doubtful())).containsExactly(first, second);
        assertThat(fast(batch)).isEmpty();
    }

    @Test
    void forgetsACounterThatRefusesNothing() {
        store.put(COUNTER, 5, new Bounds(0L, null));
        refusing.add(COUNTER);

        Coalescer.Batch batch = batch(read(increment(-1, null), increment(2, "k")));

        assertThat(fast(batch)).hasSize(2);
        assertThat(refusing.contains(COUNTER)).isFalse();
    }

    /** Each key may be known, so the statement leaves out a group whose increments with keys lower it too far. */
    @Test
    void decidesWhatTheFastStatementWouldLeaveOut() {
        store.put(COUNTER, 2, new Bounds(0L, null));
        refusing.add(COUNTER);
        Command[] turns = Stream.of(1, 2, 3)
                .flatMap(turn -> Stream.of(increment(-1, "out" + turn), increment(1, "in" + turn)))
                .toArray(Command[]::new);

        Coalescer.Batch batch = batch(read(turns));

        assertThat(commands(batch.doubtful())).containsExactly(turns);
        assertThat(fast(batch)).isEmpty();
        assertThat(refusing.contains(COUNTER)).isTrue();
    }

    @Test
    void lostReadLeavesNoOutcomeInDoubt() {
        fault.set(Fault.LOST);

        StepVerifier.create(read(increment(1, null)).send(store.writes(0), new Fence(1, 1)))
                .verifyErrorSatisfies(failure ->
                        assertThat(((StoreFailure) failure).kind()).isEqualTo(StoreFailure.Kind.UNAVAILABLE));
    }
}
