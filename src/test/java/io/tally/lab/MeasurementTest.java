package io.tally.lab;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.tally.lab.LabDatabase.Counted;
import io.tally.lab.LabDatabase.Stored;
import io.tally.lab.LabDatabase.Worker;
import io.tally.lab.LabRun.Result;
import io.tally.pipeline.StoreFailure;
import io.tally.pipeline.StoreFailure.Cause;
import io.tally.pipeline.StoreFailure.Kind;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.function.IntFunction;
import org.junit.jupiter.api.Test;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/** Measurements of workers whose answers and duration a test sets. */
class MeasurementTest {

    private static final Duration RUN_MAX = Duration.ofSeconds(60);

    private long nanos;

    private Measurement measurement(long increments, int counters, Worker... workers) {
        Experiment experiment =
                new Experiment(Strategy.ATOMIC, Isolation.READ_COMMITTED, workers.length, increments, counters);
        return new Measurement(experiment, List.of(workers), RUN_MAX, () -> nanos);
    }

    private void passes(Duration time) {
        nanos += time.toNanos();
    }

    /** One that takes a while for each answer. */
    private Worker worker(Duration time, IntFunction<Counted> answers) {
        return (counter, mayRetry) -> Mono.fromSupplier(() -> {
            passes(time);
            return answers.apply(counter);
        });
    }

    private static final Counted ACKNOWLEDGED = new Counted(true, 0);
    private static final Counted REFUSED = new Counted(false, 0);

    @Test
    void countsWhatTheCallersGotAndWhatTheTableHeld() {
        AtomicInteger calls = new AtomicInteger();
        Measurement measurement = measurement(
                100,
                1,
                worker(
                        Duration.ofMillis(5),
                        counter -> calls.incrementAndGet() % 4 == 0 ? new Counted(false, 2) : ACKNOWLEDGED));
        measurement.run().block();

        Result result = measurement.result(new Stored(60, 3));
        assertThat(calls).hasValue(100);
        assertThat(measurement.done()).isEqualTo(100);
        assertThat(result.acknowledged()).isEqualTo(75);
        assertThat(result.errors()).isEqualTo(25);
        assertThat(result.retries()).isEqualTo(50);
        assertThat(result.stored()).isEqualTo(60);
        assertThat(result.lost()).isEqualTo(15);
        assertThat(result.duplicateRows()).isEqualTo(3);
        assertThat(result.seconds()).isEqualTo(0.5, within(1e-9));
        assertThat(result.perSecond()).isEqualTo(150, within(1e-6));
        assertThat(result.timedOut()).isFalse();
    }

    /** More in the table than was acknowledged is no loss, and is shown all the same. */
    @Test
    void hidesNoSurplus() {
        Measurement measurement = measurement(10, 1, worker(Duration.ofMillis(1), counter -> ACKNOWLEDGED));
        measurement.run().block();
        assertThat(measurement.result(new Stored(12, 0)).lost()).isEqualTo(-2);
    }

    @Test
    void percentilesAreThoseOfAcknowledgedIncrements() {
        AtomicInteger calls = new AtomicInteger();
        Worker worker = (counter, mayRetry) -> Mono.fromSupplier(() -> {
            int call = calls.getAndIncrement();
            // Refusals are quick: they must not make the others look so.
            passes(Duration.ofMillis(call % 2 == 0 ? 0 : call / 2 < 980 ? 10 : 200));
            return call % 2 == 0 ? REFUSED : ACKNOWLEDGED;
        });
        Measurement measurement = measurement(2_000, 1, worker);
        measurement.run().block();

        Result result = measurement.result(new Stored(1_000, 0));
        assertThat(result.p50Ms()).isEqualTo(10, within(0.1));
        assertThat(result.p99Ms()).isEqualTo(200, within(0.5));
    }

    @Test
    void hasNoPercentilesOfNothing() {
        Measurement measurement = measurement(10, 1, worker(Duration.ofMillis(1), counter -> REFUSED));
        measurement.run().block();
        assertThat(measurement.result(new Stored(0, 0)).p50Ms()).isNull();
        assertThat(measurement.result(new Stored(0, 0)).p99Ms()).isNull();
    }

    @Test
    void usesAllCounters() {
        Set<Integer> used = new TreeSet<>();
        Measurement measurement = measurement(1_000, 5, worker(Duration.ofMillis(1), counter -> {
            used.add(counter);
            return ACKNOWLEDGED;
        }));
        measurement.run().block();
        assertThat(used).containsExactly(0, 1, 2, 3, 4);
    }

    @Test
    void endsWithTheTime() {
        Measurement measurement = measurement(1_000_000, 1, worker(Duration.ofSeconds(1), counter -> ACKNOWLEDGED));
        measurement.run().block();

        Result result = measurement.result(new Stored(0, 0));
        assertThat(result.timedOut()).isTrue();
        assertThat(result.acknowledged()).isEqualTo(RUN_MAX.toSeconds() + 1);
    }

    @Test
    void oneThatIsCompleteWasNotCutOff() {
        Measurement measurement = measurement(1, 1, worker(RUN_MAX.multipliedBy(2), counter -> ACKNOWLEDGED));
        measurement.run().block();
        assertThat(measurement.result(new Stored(1, 0)).timedOut()).isFalse();
    }

    /** Workers whose answers come when the test gives them. */
    private static final class Patient implements Worker {

        private final List<Sinks.One<Counted>> increments = Collections.synchronizedList(new ArrayList<>());

        @Override
        public Mono<Counted> count(int counter, BooleanSupplier mayRetry) {
            Sinks.One<Counted> answer = Sinks.one();
            increments.add(answer);
            return answer.asMono();
        }

        void answer(Counted counted) {
            increments.getLast().tryEmitValue(counted).orThrow();
        }
    }

    @Test
    void workersThatAreStoppedFinishTheirIncrement() {
        Patient one = new Patient();
        Patient other = new Patient();
        Measurement measurement = measurement(1_000, 1, one, other);
        Disposable running = measurement.run().subscribe();
        one.answer(ACKNOWLEDGED);
        assertThat(one.increments).hasSize(2);
        assertThat(other.increments).hasSize(1);

        measurement.stop();
        one.answer(ACKNOWLEDGED);
        assertThat(running.isDisposed()).isFalse();
        other.answer(REFUSED);
        assertThat(running.isDisposed()).isTrue();
        assertThat(measurement.done()).isEqualTo(3);
        assertThat(one.increments).hasSize(2);
    }

    /** A worker can ask before each retry. */
    @Test
    void noRetryIsWorthwhileWhenItIsOver() {
        List<Boolean> answers = new ArrayList<>();
        Measurement[] measurement = new Measurement[1];
        measurement[0] = measurement(
                1,
                1,
                (counter, mayRetry) -> Mono.fromSupplier(() -> {
                    answers.add(mayRetry.getAsBoolean());
                    measurement[0].stop();
                    answers.add(mayRetry.getAsBoolean());
                    return REFUSED;
                }));
        measurement[0].run().block();
        assertThat(answers).containsExactly(true, false);
    }

    /** One unknown outcome spoils the whole result; the other workers finish their current increment. */
    @Test
    void failsWhereAnOutcomeIsUnknown() {
        StoreFailure unknown = new StoreFailure(Kind.UNKNOWN, Cause.CONNECTION, "gone");
        Patient patient = new Patient();
        List<Throwable> failures = new ArrayList<>();
        measurement(1_000, 1, patient, (counter, mayRetry) -> Mono.error(unknown))
                .run()
                .subscribe(nothing -> {}, failures::add);

        assertThat(failures).isEmpty();
        patient.answer(ACKNOWLEDGED);
        assertThat(failures).containsExactly(unknown);
        assertThat(patient.increments).hasSize(1);
    }
}
