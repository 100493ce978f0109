package io.tally.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.counter.CounterId;
import io.tally.counter.Operation;
import io.tally.counter.Operation.Increment;
import io.tally.counter.Outcome;
import io.tally.counter.Outcome.Incremented;
import io.tally.counter.Precondition;
import io.tally.pipeline.Batch.Group;
import io.tally.pipeline.CounterStore.Level;
import io.tally.pipeline.CounterStore.Sum;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

class CoalescerTest {

    @Provide
    Arbitrary<List<Operation>> operations() {
        return Operations.any().list().ofMaxSize(40);
    }

    @Provide
    Arbitrary<List<Increment>> increments() {
        return Operations.increments().list().ofMaxSize(60);
    }

    /** Those who were told, by what they waited for; in the order in which they entered. */
    private final List<@Nullable Outcome> told = new ArrayList<>();

    private List<Waiter<Operation, Outcome>> waiters(List<? extends Operation> operations) {
        told.clear();
        List<Waiter<Operation, Outcome>> waiters = new ArrayList<>();
        for (int i = 0; i < operations.size(); i++) {
            int index = i;
            told.add(null);
            Mono.<Outcome>create(sink -> waiters.add(new Waiter<>(operations.get(index), sink, 0, Runnable::run)))
                    .subscribe(outcome -> told.set(index, outcome));
        }
        return waiters;
    }

    @Property(tries = 2_000)
    void losesNoneAndKeepsTheOrderOfEachCounter(@ForAll("operations") List<Operation> operations) {
        Batch batch = Coalescer.coalesce(
                waiters(operations), counter -> counter.name().equals("b"));

        Map<CounterId, List<Operation>> grouped = Stream.concat(
                        batch.unconditional().stream(), batch.conditional().stream())
                .collect(Collectors.toMap(
                        Group::counter,
                        group -> group.waiters().stream().map(Waiter::request).toList()));
        assertThat(grouped).isEqualTo(operations.stream().collect(Collectors.groupingBy(Operation::counter)));
        assertThat(batch.unconditional())
                .allSatisfy(group -> assertThat(group.waiters())
                        .allSatisfy(waiter -> assertThat(waiter.request())
                                .isInstanceOfSatisfying(
                                        Increment.class,
                                        increment -> assertThat(increment.precondition())
                                                .isEqualTo(Precondition.NONE))));
        assertThat(batch.unconditional())
                .noneMatch(group -> group.counter().name().equals("b"));
    }

    @Property(tries = 2_000)
    void givesEachTheValueAfterItsOwn(@ForAll("increments") List<Increment> increments) {
        Batch batch = Coalescer.coalesce(waiters(increments), counter -> false);
        Map<CounterId, Long> values = new HashMap<>();
        Map<CounterId, Long> versions = new HashMap<>();
        long base = 1_000;

        for (Group group : batch.unconditional()) {
            Sum sum = group.sum();
            assertThat(Math.abs(sum.delta())).isLessThanOrEqualTo(Sum.VALUE_MAX);
            group.answer(new Level(base + sum.delta(), base + sum.operations()));
        }

        List<CounterId> answered =
                batch.unconditional().stream().map(Group::counter).toList();
        for (int i = 0; i < increments.size(); i++) {
            Increment increment = increments.get(i);
            if (answered.contains(increment.counter())) {
                long value =
                        values.merge(increment.counter(), base + increment.delta(), (v, d) -> v + increment.delta());
                long version = versions.merge(increment.counter(), base + 1, (v, one) -> v + 1);
                assertThat(told.get(i)).isEqualTo(new Incremented(value, version, increment.delta()));
            } else {
                assertThat(told.get(i)).isNull();
            }
        }
    }

    @Property(tries = 200)
    void sumsWhateverCannotPassTheRange(
            @ForAll @IntRange(min = -1_000, max = 1_000) int delta, @ForAll("increments") List<Increment> increments) {
        List<Increment> small = increments.stream()
                .map(increment -> new Increment(increment.counter(), delta, Precondition.NONE))
                .toList();

        assertThat(Coalescer.coalesce(waiters(small), counter -> false).conditional())
                .isEmpty();
    }
}
