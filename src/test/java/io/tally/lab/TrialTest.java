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

/** What a trial makes of workers that answer as a test says, in a time that passes as a test says. */
class TrialTest {

    private static final Duration RUN_MAX = Duration.ofSeconds(60);

    private long nanos;

    private Trial trial(long increments, int counters, Worker... workers) {
        Experiment experiment =
                new Experiment(Strategy.ATOMIC, Isolation.READ_COMMITTED, workers.length, increments, counters);
        return new Trial(experiment, List.of(workers), RUN_MAX, () -> nanos);
    }

    private void passes(Duration time) {
        nanos += time.toNanos();
    }

    /** One that takes a while for each answer. */
    private Worker worker(Duration time, IntFunction<Counted> answers) {
        return (counter, goesOn) -> Mono.fromSupplier(() -> {
            passes(time);
            return answers.apply(counter);
        });
    }

    private static final Counted ACKNOWLEDGED = new Counted(true, 0);
    private static final Counted REFUSED = new Counted(false, 0);

    @Test
    void tellsWhatTheCallersWereToldAndWhatTheTableHeld() {
        AtomicInteger calls = new AtomicInteger();
        Trial trial = trial(
                100,
                1,
                worker(
                        Duration.ofMillis(5),
                        counter -> calls.incrementAndGet() % 4 == 0 ? new Counted(false, 2) : ACKNOWLEDGED));
        trial.run().block();

        Result result = trial.result(new Stored(60, 3));
        assertThat(calls).hasValue(100);
        assertThat(trial.done()).isEqualTo(100);
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

    /** More in the table than anybody was told of is no loss, and is shown all the same. */
    @Test
    void hidesNoSurplus() {
        Trial trial = trial(10, 1, worker(Duration.ofMillis(1), counter -> ACKNOWLEDGED));
        trial.run().block();
        assertThat(trial.result(new Stored(12, 0)).lost()).isEqualTo(-2);
    }

    @Test
    void percentilesAreThoseOfAcknowledgedIncrements() {
        AtomicInteger calls = new AtomicInteger();
        Worker worker = (counter, goesOn) -> Mono.fromSupplier(() -> {
            int call = calls.getAndIncrement();
            // Refusals are quick: they must not make the others look so.
            passes(Duration.ofMillis(call % 2 == 0 ? 0 : call / 2 < 980 ? 10 : 200));
            return call % 2 == 0 ? REFUSED : ACKNOWLEDGED;
        });
        Trial trial = trial(2_000, 1, worker);
        trial.run().block();

        Result result = trial.result(new Stored(1_000, 0));
        assertThat(result.p50Ms()).isEqualTo(10, within(0.1));
        assertThat(result.p99Ms()).isEqualTo(200, within(0.5));
    }

    @Test
    void hasNoPercentilesOfNothing() {
        Trial trial = trial(10, 1, worker(Duration.ofMillis(1), counter -> REFUSED));
        trial.run().block();
        assertThat(trial.result(new Stored(0, 0)).p50Ms()).isNull();
        assertThat(trial.result(new Stored(0, 0)).p99Ms()).isNull();
    }

    @Test
    void usesAllCounters() {
        Set<Integer> used = new TreeSet<>();
        Trial trial = trial(1_000, 5, worker(Duration.ofMillis(1), counter -> {
            used.add(counter);
            return ACKNOWLEDGED;
        }));
        trial.run().block();
        assertThat(used).containsExactly(0, 1, 2, 3, 4);
    }

    @Test
    void endsWithTheTime() {
        Trial trial = trial(1_000_000, 1, worker(Duration.ofSeconds(1), counter -> ACKNOWLEDGED));
        trial.run().block();

        Result result = trial.result(new Stored(0, 0));
        assertThat(result.timedOut()).isTrue();
        assertThat(result.acknowledged()).isEqualTo(RUN_MAX.toSeconds() + 1);
    }

    @Test
    void oneThatIsCompleteWasNotCutOff() {
        Trial trial = trial(1, 1, worker(RUN_MAX.multipliedBy(2), counter -> ACKNOWLEDGED));
        trial.run().block();
        assertThat(trial.result(new Stored(1, 0)).timedOut()).isFalse();
    }

    /** Workers whose answers come when the test gives them. */
    private static final class Patient implements Worker {

        private final List<Sinks.One<Counted>> asked = Collections.synchronizedList(new ArrayList<>());

        @Override
        public Mono<Counted> count(int counter, BooleanSupplier goesOn) {
            Sinks.One<Counted> answer = Sinks.one();
            asked.add(answer);
            return answer.asMono();
        }

        void answer(Counted counted) {
            asked.getLast().tryEmitValue(counted).orThrow();
        }
    }

    @Test
    void workersThatAreStoppedFinishWhatTheyAreAt() {
        Patient one = new Patient();
        Patient other = new Patient();
        Trial trial = trial(1_000, 1, one, other);
        Disposable running = trial.run().subscribe();
        one.answer(ACKNOWLEDGED);
        assertThat(one.asked).hasSize(2);
        assertThat(other.asked).hasSize(1);

        trial.stop();
        one.answer(ACKNOWLEDGED);
        assertThat(running.isDisposed()).isFalse();
        other.answer(REFUSED);
        assertThat(running.isDisposed()).isTrue();
        assertThat(trial.done()).isEqualTo(3);
        assertThat(one.asked).hasSize(2);
    }

    /** Whoever would try again is told whether that is still wanted. */
    @Test
    void nobodyTriesAgainWhenItIsOver() {
        List<Boolean> told = new ArrayList<>();
        Trial[] trial = new Trial[1];
        trial[0] = trial(
                1,
                1,
                (counter, goesOn) -> Mono.fromSupplier(() -> {
                    told.add(goesOn.getAsBoolean());
                    trial[0].stop();
                    told.add(goesOn.getAsBoolean());
                    return REFUSED;
                }));
        trial[0].run().block();
        assertThat(told).containsExactly(true, false);
    }

    /** What nobody can tell of one increment spoils the whole result; the others are not cut off for it. */
    @Test
    void failsWhereAnOutcomeIsUnknown() {
        StoreFailure unknown = new StoreFailure(Kind.UNKNOWN, Cause.CONNECTION, "gone");
        Patient patient = new Patient();
        List<Throwable> failures = new ArrayList<>();
        trial(1_000, 1, patient, (counter, goesOn) -> Mono.error(unknown))
                .run()
                .subscribe(nothing -> {}, failures::add);

        assertThat(failures).isEmpty();
        patient.answer(ACKNOWLEDGED);
        assertThat(failures).containsExactly(unknown);
        assertThat(patient.asked).hasSize(1);
    }
}
