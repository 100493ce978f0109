package io.tally.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import io.tally.counter.Bounds;
import io.tally.counter.Command;
import io.tally.counter.CounterId;
import io.tally.counter.IdempotencyKey;
import io.tally.counter.NewCounter;
import io.tally.counter.Operation.Create;
import io.tally.counter.Operation.Increment;
import io.tally.counter.Outcome;
import io.tally.counter.Outcome.ConstraintViolated;
import io.tally.counter.Outcome.Overloaded;
import io.tally.counter.Outcome.StoreUnavailable;
import io.tally.counter.Precondition;
import io.tally.lane.CallerExecutor;
import io.tally.lane.Lane;
import io.tally.pipeline.MemoryCounterStore.Fault;
import io.tally.shard.PerShard;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Tag;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.lifecycle.AfterTry;
import net.jqwik.api.lifecycle.BeforeContainer;
import net.jqwik.api.lifecycle.BeforeTry;
import org.jspecify.annotations.Nullable;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.test.scheduler.VirtualTimeScheduler;

/**
 * Streams and arrays of increments, some with keys, over few bounded counters; with queues that are too small, other
 * callers, and a database that fails in every way. What was not refused for lack of room or database is answered as the
 * sequential model answers it. All in virtual time, and so in one thread.
 */
class StreamOrderTest {

    private static final int BLOCK_MAX = 5;
    private static final int BLOCKS_IN_FLIGHT = 6;
    /** All from which the pipeline recovers by itself. */
    private static final List<Fault> FAULTS = List.copyOf(EnumSet.complementOf(EnumSet.of(Fault.HANGS)));

    private static final Duration RUN_MAX = Duration.ofMinutes(10);

    private static final Logger LOG = (Logger) LoggerFactory.getLogger("io.tally.pipeline");

    private VirtualTimeScheduler time = VirtualTimeScheduler.create();

    /** Fifty thousand injected faults are no news. */
    @BeforeContainer
    static void silence() {
        LOG.setLevel(Level.OFF);
    }

    @AfterContainer
    static void speak() {
        LOG.setLevel(null);
    }

    @BeforeTry
    void virtualTime() {
        time = VirtualTimeScheduler.getOrSet(VirtualTimeScheduler.create());
    }

    @AfterTry
    void realTimeAgain() {
        VirtualTimeScheduler.reset();
    }

    @Property(tries = 10_000)
    @Tag("faults")
    void keepTheOrderOfTheirLinesInManyScenarios(@ForAll long seed) {
        keepTheOrderOfTheirLines(seed);
    }

    @Property(tries = 2_000)
    void keepTheOrderOfTheirLines(@ForAll long seed) {
        Random random = new Random(seed);
        Scenario scenario = new Scenario(random);
        List<Upload> uploads = new ArrayList<>();
        int streams = random.nextInt(1, 4);
        for (int i = 0; i < streams; i++) {
            uploads.add(new Upload(scenario, "upload-" + i));
        }
        Flux.interval(Duration.ofMillis(250))
                .subscribe(tick -> scenario.pipeline.lanes().forEach(Lane::expire));
        uploads.forEach(Upload::begin);
        scenario.crowd();
        for (long seconds = 0;
                seconds < RUN_MAX.toSeconds() && !uploads.stream().allMatch(Upload::isDone);
                seconds++) {
            time.advanceTimeBy(Duration.ofSeconds(1));
        }
        uploads.forEach(Upload::check);
    }

    /** A pipeline with small queues, on a store that fails now and then. */
    private final class Scenario {

        private final Random random;
        private final MemoryCounterStore store;
        private final CounterPipeline pipeline;
        private final int faultsInHundred;
        private final long outageFrom;
        private final long outageTo;

        Scenario(Random random) {
            this.random = random;
            this.faultsInHundred = random.nextInt(4) * 10;
            this.outageFrom = random.nextInt(50);
            this.outageTo = random.nextBoolean() ? outageFrom : outageFrom + random.nextInt(400);
            this.store = new MemoryCounterStore(this::fault, () -> Duration.ofMillis(random.nextInt(4)));
            int batchMax = random.nextInt(1, 12);
            PipelineProperties limits = new PipelineProperties(
                    2,
                    batchMax,
                    random.nextInt(1, 4),
                    batchMax + random.nextInt(12),
                    Duration.ofMillis(random.nextInt(20, 60)),
                    Duration.ofMillis(random.nextInt(60, 300)),
                    Duration.ofSeconds(1));
            this.pipeline = new CounterPipeline(
                    PerShard.single(store),
                    limits,
                    new LaneMetrics() {},
                    CallerExecutor.ANY,
                    () -> time.now(TimeUnit.NANOSECONDS));
        }

        private Fault fault() {
            long now = time.now(TimeUnit.MILLISECONDS);
            if (now >= outageFrom && now < outageTo) {
                return Fault.UNAVAILABLE;
            }
            return random.nextInt(100) < faultsInHundred ? FAULTS.get(random.nextInt(FAULTS.size())) : Fault.NONE;
        }

        /** Callers that come alone, to fill the queues. */
        void crowd() {
            int callers = random.nextInt(40);
            for (int i = 0; i < callers; i++) {
                Command command = increment(new CounterId("n", "alone-" + random.nextInt(3)), 1, null);
                Mono.delay(Duration.ofMillis(random.nextInt(60)))
                        .then(pipeline.apply(command))
                        .subscribe();
            }
        }
    }

    private static Command increment(CounterId counter, long delta, @Nullable IdempotencyKey key) {
        return Command.of(new Increment(counter, delta, Precondition.NONE), key);
    }

    /** A stream or an array with counters of its own, and the model of these. */
    private static final class Upload {

        private final Scenario scenario;
        private final boolean isArray;
        private final List<List<Command>> blocks = new ArrayList<>();
        private final List<Outcome> outcomes = new ArrayList<>();
        private final SequentialModel model = new SequentialModel();
        private boolean done;

        Upload(Scenario scenario, String name) {
            Random random = scenario.random;
            this.scenario = scenario;
            this.isArray = random.nextInt(4) == 0;
            int counters = random.nextInt(1, 4);
            for (int i = 0; i < counters; i++) {
                make(new CounterId("n", name + "-" + i), random);
            }
            int lines = random.nextInt(1, 60);
            int keyedInHundred = random.nextInt(3) * 50;
            List<Command> block = new ArrayList<>();
            for (int line = 0; line < lines; line++) {
                CounterId counter = new CounterId("n", name + "-" + random.nextInt(counters));
                IdempotencyKey key = random.nextInt(100) < keyedInHundred ? key(counter, line, random) : null;
                long delta = random.nextInt(5) == 0 ? random.nextInt(-3, 4) : line % 2 * 2 - 1;
                block.add(
                        random.nextInt(6) == 0
                                ? withOptions(counter, delta, key, random)
                                : increment(counter, delta, key));
                if (!isArray && block.size() == random.nextInt(1, BLOCK_MAX + 1)) {
                    blocks.add(block);
                    block = new ArrayList<>();
                }
            }
            if (!block.isEmpty()) {
                blocks.add(block);
            }
        }

        private static Command withOptions(CounterId counter, long delta, @Nullable IdempotencyKey key, Random random) {
            NewCounter defaults = new NewCounter(random.nextInt(-1, 2), new Bounds(-2L, 2L));
            return Command.of(new Increment(counter, delta, defaults, random.nextBoolean(), Precondition.NONE), key);
        }

        /** Now and then one that was used before. */
        private static IdempotencyKey key(CounterId counter, int line, Random random) {
            int number = random.nextInt(4) == 0 ? random.nextInt(line + 1) : line;
            return new IdempotencyKey("n", counter.name() + "/" + number);
        }

        private void make(CounterId counter, Random random) {
            if (random.nextInt(4) > 0) {
                Bounds bounds = new Bounds(-1L, (long) random.nextInt(3));
                scenario.store.put(counter, 0, bounds);
                model.apply(Command.of(new Create(counter, new NewCounter(0, bounds), Precondition.NONE)));
            }
        }

        void begin() {
            Function<List<Command>, Mono<List<Outcome>>> apply =
                    isArray ? scenario.pipeline::applyAll : scenario.pipeline.stream();
            Flux.fromIterable(blocks)
                    .concatMap(block -> scenario.random.nextBoolean()
                            ? Mono.just(block)
                            : Mono.just(block).delayElement(Duration.ofMillis(scenario.random.nextInt(6))))
                    .flatMapSequential(apply, BLOCKS_IN_FLIGHT, 1)
                    .subscribe(outcomes::addAll, failure -> {}, () -> done = true);
        }

        boolean isDone() {
            return done;
        }

        void check() {
            List<Command> commands = blocks.stream().flatMap(List::stream).toList();
            assertThat(outcomes).hasSameSizeAs(commands);
            for (int i = 0; i < commands.size(); i++) {
                Outcome outcome = outcomes.get(i);
                if (!(outcome instanceof StoreUnavailable
                        || outcome instanceof Overloaded
                        || outcome instanceof ConstraintViolated)) {
                    assertThat(ResolverTest.text(outcome))
                            .as("line %d: %s of %s", i, commands.get(i), outcomes)
                            .isEqualTo(model.apply(commands.get(i)));
                }
                assertThat(isArray || !(outcome instanceof Overloaded))
                        .as("a stream waits for room")
                        .isTrue();
            }
            model.counters.forEach((counter, state) -> assertThat(scenario.store.value(counter))
                    .isEqualTo(state.value().longValueExact()));
        }
    }
}
