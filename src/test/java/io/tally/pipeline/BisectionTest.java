package io.tally.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.pipeline.StoreFailure.Cause;
import io.tally.pipeline.StoreFailure.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;
import reactor.test.StepVerifier;

class BisectionTest {

    private final List<Integer> done = new ArrayList<>();
    private final List<Integer> refused = new ArrayList<>();
    private int calls;

    private Bisection<Integer> refusing(Set<Integer> bad, Kind kind) {
        return new Bisection<>(
                things -> Mono.fromRunnable(() -> work(things, bad, kind)),
                StoreFailure::isRefusal,
                (thing, failure) -> refused.add(thing));
    }

    private void work(List<Integer> things, Set<Integer> bad, Kind kind) {
        calls++;
        if (things.stream().anyMatch(bad::contains)) {
            throw new StoreFailure(kind, Cause.CONNECTION, "refused");
        }
        done.addAll(things);
    }

    @Property(tries = 500)
    void allButTheRefusedAreDoneInTheirOrder(
            @ForAll @IntRange(max = 70) int count, @ForAll Set<@IntRange(max = 70) Integer> bad) {
        List<Integer> things = IntStream.range(0, count).boxed().toList();
        StepVerifier.create(refusing(bad, Kind.UNSTORABLE).of(things)).verifyComplete();

        assertThat(done)
                .isEqualTo(things.stream().filter(thing -> !bad.contains(thing)).toList());
        assertThat(refused).isEqualTo(things.stream().filter(bad::contains).toList());
        assertThat(calls).isLessThanOrEqualTo(1 + 14 * refused.size());
        done.clear();
        refused.clear();
        calls = 0;
    }

    @Test
    void anyOtherFailureIsThatOfTheWhole() {
        StepVerifier.create(refusing(Set.of(3), Kind.UNAVAILABLE).of(List.of(1, 2, 3, 4)))
                .verifyError(StoreFailure.class);

        assertThat(calls).isEqualTo(1);
        assertThat(refused).isEmpty();
    }
}
