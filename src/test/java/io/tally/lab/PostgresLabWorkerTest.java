package io.tally.lab;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tally.lab.LabDatabase.Counted;
import io.tally.pipeline.StoreFailure;
import io.tally.pipeline.StoreFailure.Cause;
import io.tally.pipeline.StoreFailure.Kind;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import reactor.core.publisher.Mono;

/** What a worker makes of tries that fail. */
class PostgresLabWorkerTest {

    private final AtomicInteger tries = new AtomicInteger();
    private int lastTry = Integer.MAX_VALUE;

    /** One whose first tries fail in that way. */
    private @Nullable Counted counted(int failures, Kind kind, int retriesMax) {
        return new PostgresLabWorker(
                        post -> tries.incrementAndGet() > failures
                                ? Mono.empty()
                                : Mono.error(new StoreFailure(kind, Cause.SERIALIZATION, post)),
                        counter -> "post",
                        retriesMax)
                .count(0, () -> tries.get() < lastTry)
                .block();
    }

    @Test
    void triesAgainAsOftenAsItMay() {
        assertThat(counted(100, Kind.CONFLICT, 100)).isEqualTo(new Counted(true, 100));
    }

    @Test
    void andNoMore() {
        assertThat(counted(101, Kind.CONFLICT, 100)).isEqualTo(new Counted(false, 100));
        assertThat(tries).hasValue(101);
    }

    @Test
    void withoutRetriesAConflictIsAnError() {
        assertThat(counted(1, Kind.CONFLICT, 0)).isEqualTo(new Counted(false, 0));
    }

    @Test
    void aRefusalIsNotTriedAgain() {
        assertThat(counted(1, Kind.BAD_OPERATION, 100)).isEqualTo(new Counted(false, 0));
    }

    @ParameterizedTest
    @EnumSource(
            value = Kind.class,
            names = {"UNKNOWN", "UNAVAILABLE", "FATAL"})
    void whatNobodyCanTellIsNoAnswer(Kind kind) {
        assertThatThrownBy(() -> counted(1, kind, 100)).isInstanceOf(StoreFailure.class);
        assertThat(tries).hasValue(1);
    }

    /** A conflict that is never over must not hold up the end of the run. */
    @Test
    void triesNoMoreWhenItIsOver() {
        lastTry = 5;
        assertThat(counted(50, Kind.CONFLICT, 100)).isNull();
        assertThat(tries).hasValue(5);
    }
}
