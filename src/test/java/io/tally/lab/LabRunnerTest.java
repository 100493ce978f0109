package io.tally.lab;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.tally.counter.KeyedRequest;
import io.tally.idempotency.IdempotentResult;
import io.tally.job.Job.State;
import io.tally.job.LeasedWork;
import io.tally.lab.LabDatabase.Bench;
import io.tally.lab.LabDatabase.Counted;
import io.tally.lab.LabDatabase.Stored;
import io.tally.lab.LabDatabase.Worker;
import io.tally.lab.LabStore.Claim;
import io.tally.lab.LabStore.ClaimState;
import io.tally.lab.LabStore.Ending;
import io.tally.lab.LabStore.Ending.Cancelled;
import io.tally.lab.LabStore.Ending.Done;
import io.tally.lab.LabStore.Ending.Failed;
import io.tally.lab.LabStore.Started;
import io.tally.pipeline.StoreFailure;
import io.tally.pipeline.StoreFailure.Cause;
import io.tally.pipeline.StoreFailure.Kind;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;
import reactor.test.scheduler.VirtualTimeScheduler;

/** Runs of the lab in virtual time, on a database that takes as long as a test says. */
class LabRunnerTest {

    private static final Experiment EXPERIMENT = new Experiment(Strategy.ATOMIC, Isolation.READ_COMMITTED, 1, 10, 1);

    private VirtualTimeScheduler time = VirtualTimeScheduler.create();
    private final Store store = new Store();
    private final Database database = new Database();
    private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
    private final LabRunner runner = new LabRunner(store, database, new LabMetrics(registry), Duration.ofMinutes(1));

    @BeforeEach
    void start() {
        time = VirtualTimeScheduler.getOrSet();
    }

    @AfterEach
    void stop() {
        VirtualTimeScheduler.reset();
    }

    private static StoreFailure away() {
        return new StoreFailure(Kind.UNAVAILABLE, Cause.CONNECTION, "away");
    }

    private double acknowledged() {
        return registry.get("tally.lab.operations")
                .tags("strategy", "atomic", "isolation", "read-committed")
                .counter()
                .count();
    }

    private void works() {
        runner.work().subscribe();
    }

    private void passes(Duration duration) {
        time.advanceTimeBy(duration);
    }

    @Test
    void measuresWhenAllIsCountedAndEndsWhenNothingIsLeft() {
        works();
        assertThat(database.steps).containsExactly("workers", "stored", "torn down");
        assertThat(store.endings).singleElement().isInstanceOfSatisfying(Done.class, done -> {
            assertThat(done.result().acknowledged()).isEqualTo(10);
            assertThat(done.result().stored()).isEqualTo(7);
        });
        assertThat(acknowledged()).isEqualTo(10);
    }

    /** Slow log-ins, and a slow end: no other instance must take the run for abandoned. */
    @Test
    void keepsItsLeaseFromTheFirstStepToTheLast() {
        database.setUp = Duration.ofSeconds(60);
        database.tearDown = Duration.ofSeconds(60);
        works();
        passes(Duration.ofSeconds(121));
        assertThat(store.endings).hasSize(1);
        assertThat(store.longestSilence).isLessThan(LeasedWork.LEASE.dividedBy(2));
    }

    /** However slow a renewal is, there is one at a time, and none after the end. */
    @Test
    void slowRenewalsDoNotPileUp() {
        store.answer = Duration.ofSeconds(5);
        database.setUp = Duration.ofSeconds(8);
        works();
        passes(Duration.ofSeconds(11));
        assertThat(store.endings).hasSize(1);
        int renewals = store.renewals;
        passes(Duration.ofMinutes(1));
        assertThat(store.renewals).isEqualTo(renewals);
    }

    @Test
    void oneThatIsStoppedWhileItIsSetUpCountsNothing() {
        database.setUp = Duration.ofSeconds(2);
        store.state = ClaimState.STOP_REQUESTED;
        works();
        passes(Duration.ofSeconds(3));
        assertThat(database.counted).isZero();
        assertThat(store.endings).containsExactly(new Cancelled());
        assertThat(database.steps).containsExactly("workers", "torn down");
    }

    @Test
    void anInstanceThatStopsFailsWhatItHasNotBegun() {
        database.setUp = Duration.ofSeconds(2);
        works();
        runner.stop();
        passes(Duration.ofSeconds(3));
        assertThat(database.counted).isZero();
        assertThat(store.endings).singleElement().isInstanceOf(Failed.class);
        assertThat(database.steps).containsExactly("workers", "torn down");
        works();
        assertThat(store.claims).isEqualTo(1);
    }

    /** Another instance owns the run by now, and reports it. */
    @Test
    void aRunThatIsLostIsNotReported() {
        store.isOurs = false;
        works();
        assertThat(store.endings).hasSize(1);
        assertThat(acknowledged()).isZero();
    }

    /** The next owner clears it away, when the lease has expired. */
    @Test
    void doesNotEndARunOfWhichSomethingIsLeft() {
        database.left = away();
        works();
        assertThat(store.endings).isEmpty();

        database.left = null;
        store.number = 2;
        works();
        assertThat(database.steps).endsWith("cleared");
        assertThat(store.endings).singleElement().isInstanceOf(Failed.class);
    }

    /** Else no run could ever start again. */
    @Test
    void whatCannotBeRemovedEndsTheRunAllTheSame() {
        store.number = 2;
        database.obstacle = new LabObstacle("drop it");
        works();
        assertThat(store.endings).containsExactly(new Failed("drop it"));
    }

    @Test
    void oneThatIsStoppedBeforeItIsTakenOnIsNotSetUp() {
        store.stopping = true;
        works();
        assertThat(store.endings).containsExactly(new Cancelled());
        assertThat(database.steps).containsExactly("torn down");
    }

    @Test
    void aResultIsNotThrownAwayForAMoment() {
        store.endFailures = 3;
        works();
        passes(Duration.ofSeconds(5));
        assertThat(store.endings).singleElement().isInstanceOf(Done.class);
        assertThat(acknowledged()).isEqualTo(10);
    }

    @Test
    void continuesWhileRenewalsFail() {
        database.setUp = Duration.ofSeconds(3);
        store.failure = away();
        works();
        passes(Duration.ofSeconds(4));
        assertThat(store.endings).singleElement().isInstanceOf(Done.class);
    }

    private final class Database implements LabDatabase, Bench {

        private final List<String> steps = new ArrayList<>();
        private Duration setUp = Duration.ZERO;
        private Duration tearDown = Duration.ZERO;
        private int counted;
        private @Nullable StoreFailure left;
        private @Nullable LabObstacle obstacle;

        private static <T> Mono<T> after(Duration duration, Mono<T> answer) {
            return duration.isZero() ? answer : Mono.delay(duration).then(answer);
        }

        @Override
        public Bench bench(UUID run, Experiment experiment) {
            return this;
        }

        @Override
        public Mono<List<Worker>> workers() {
            steps.add("workers");
            return after(
                    setUp,
                    Mono.just(List.of((counter, mayRetry) -> Mono.fromSupplier(() -> {
                        counted++;
                        return new Counted(true, 0);
                    }))));
        }

        @Override
        public Mono<Stored> stored() {
            steps.add("stored");
            return Mono.just(new Stored(7, 0));
        }

        @Override
        public Mono<Void> tearDown() {
            steps.add("torn down");
            return after(tearDown, left == null ? Mono.empty() : Mono.error(left));
        }

        @Override
        public Mono<Void> clear(UUID run) {
            steps.add("cleared");
            return obstacle == null ? Mono.empty() : Mono.error(obstacle);
        }
    }

    private final class Store implements LabStore {

        private final List<Ending> endings = new ArrayList<>();
        private ClaimState state = ClaimState.ACTIVE;
        private Duration answer = Duration.ZERO;
        private Duration longestSilence = Duration.ZERO;
        private long lastMillis;
        private int number = 1;
        private int claims;
        private int renewals;
        private int endFailures;
        private boolean stopping;
        private boolean isOurs = true;
        private @Nullable StoreFailure failure;

        @Override
        public Mono<Claim> claim() {
            claims++;
            lastMillis = time.now(TimeUnit.MILLISECONDS);
            return Mono.just(new Claim(
                    new LabRun(new UUID(0, 0), EXPERIMENT, State.RUNNING, stopping, 0, Instant.EPOCH, null, null, null),
                    number));
        }

        @Override
        public Mono<ClaimState> progress(Claim claim, long done) {
            return Mono.defer(() -> {
                renewals++;
                heard();
                Mono<ClaimState> reply = failure == null ? Mono.just(state) : Mono.error(failure);
                return answer.isZero() ? reply : Mono.delay(answer).then(reply);
            });
        }

        private void heard() {
            long now = time.now(TimeUnit.MILLISECONDS);
            Duration silence = Duration.ofMillis(now - lastMillis);
            longestSilence = silence.compareTo(longestSilence) > 0 ? silence : longestSilence;
            lastMillis = now;
        }

        @Override
        public Mono<Boolean> end(Claim claim, long done, Ending ending) {
            return Mono.fromSupplier(() -> {
                heard();
                if (endFailures-- > 0) {
                    throw away();
                }
                endings.add(ending);
                return isOurs;
            });
        }

        @Override
        public Mono<IdempotentResult<Started>> start(Experiment experiment, @Nullable KeyedRequest request) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Mono<LabRun> find(UUID id) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Mono<List<LabRun>> list() {
            throw new UnsupportedOperationException();
        }

        @Override
        public Mono<LabRun> stop(UUID id) {
            throw new UnsupportedOperationException();
        }
    }
}
