package io.tally.pipeline;

import io.tally.counter.Command;
import io.tally.counter.Outcome;
import io.tally.counter.Outcome.Overloaded;
import io.tally.counter.Outcome.StoreUnavailable;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Function;
import java.util.function.LongSupplier;
import java.util.stream.IntStream;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;

/** Commands that are handed in and answered together, each by the lane of its counters. For one subscription. */
final class Bulk {

    /** About as long as a lane takes to make room, and as long as somebody waits who finds none again and again. */
    private static final Duration PAUSE_MIN = Duration.ofMillis(5);

    private static final Duration PAUSE_MAX = Duration.ofMillis(500);

    private final List<Command> commands;
    private final Function<Command, Lane<Command, Outcome>> laneOf;
    private final Outcome[] outcomes;
    private List<Integer> open;
    private long pauseMillis = PAUSE_MIN.toMillis();

    Bulk(List<Command> commands, Function<Command, Lane<Command, Outcome>> laneOf) {
        this.commands = commands;
        this.laneOf = laneOf;
        this.outcomes = new Outcome[commands.size()];
        this.open = IntStream.range(0, commands.size()).boxed().toList();
    }

    /** The outcomes, in the order of the commands. */
    Mono<List<Outcome>> once() {
        return Mono.defer(this::submitOpen).then(Mono.fromSupplier(() -> Arrays.asList(outcomes)));
    }

    /**
     * The same; but what is refused for lack of room is handed in until there is room, and what is refused because the
     * database is away is handed in again until the deadline.
     *
     * @param caller where to hand in again
     */
    Mono<List<Outcome>> patiently(LongSupplier nanoClock, long deadline, Scheduler caller) {
        return Mono.defer(this::submitOpen)
                .repeatWhen(rounds -> rounds.takeWhile(round -> hasOpen(nanoClock.getAsLong() - deadline < 0))
                        .concatMap(round -> Mono.delay(nextPause()))
                        .publishOn(caller))
                .then(Mono.fromSupplier(() -> Arrays.asList(outcomes)));
    }

    /** Twice as long each time, and by chance: those who wait must not come back together. */
    private Duration nextPause() {
        pauseMillis = Math.min(2 * pauseMillis, PAUSE_MAX.toMillis());
        return Duration.ofMillis(ThreadLocalRandom.current().nextLong(pauseMillis / 2, pauseMillis + 1));
    }

    private Mono<Void> submitOpen() {
        return Mono.when(parts().stream().map(Part::submit).toList());
    }

    private List<Part> parts() {
        List<Part> parts = new ArrayList<>();
        for (int index : open) {
            Command command = commands.get(index);
            part(parts, laneOf.apply(command)).add(index, command);
        }
        return parts;
    }

    /** The part that takes one more for this lane. The last of a lane is the one that may have room. */
    private Part part(List<Part> parts, Lane<Command, Outcome> lane) {
        // A handful of lanes: looking through them costs less than hashing them.
        for (int i = parts.size() - 1; i >= 0; i--) {
            if (parts.get(i).lane == lane) {
                return parts.get(i).isFull() ? begun(parts, lane) : parts.get(i);
            }
        }
        return begun(parts, lane);
    }

    private Part begun(List<Part> parts, Lane<Command, Outcome> lane) {
        Part part = new Part(lane);
        parts.add(part);
        return part;
    }

    private boolean hasOpen(boolean mayWaitForStore) {
        open = open.stream()
                .filter(index -> outcomes[index] instanceof Overloaded
                        || (mayWaitForStore && outcomes[index] instanceof StoreUnavailable))
                .toList();
        return !open.isEmpty();
    }

    /** What goes to one lane together. */
    private final class Part {

        private final Lane<Command, Outcome> lane;
        private final List<Integer> indexes = new ArrayList<>();
        private final List<Command> requests = new ArrayList<>();

        Part(Lane<Command, Outcome> lane) {
            this.lane = lane;
        }

        void add(int index, Command command) {
            indexes.add(index);
            requests.add(command);
        }

        boolean isFull() {
            return requests.size() == lane.togetherMax();
        }

        Mono<Void> submit() {
            return lane.submit(requests).doOnNext(this::take).then();
        }

        private void take(List<Outcome> answers) {
            for (int i = 0; i < answers.size(); i++) {
                outcomes[indexes.get(i)] = answers.get(i);
            }
        }
    }
}
