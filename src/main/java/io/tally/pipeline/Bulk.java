package io.tally.pipeline;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Function;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;

/** Requests that are handed in and answered together, each by a lane of its own choice. For one subscription. */
public final class Bulk<I, O> {

    /** About as long as a lane takes to make room, and as long as somebody waits who finds none again and again. */
    private static final Duration PAUSE_MIN = Duration.ofMillis(5);

    private static final Duration PAUSE_MAX = Duration.ofMillis(500);

    private final List<I> requests;
    private final Function<I, Lane<I, O>> laneOf;
    private final Predicate<O> overloaded;
    private final Predicate<O> unavailable;
    private final O[] outcomes;
    private List<Integer> open;
    private long pauseMillis = PAUSE_MIN.toMillis();

    /**
     * Some requests.
     *
     * @param overloaded whether an outcome says that nothing was done for lack of room
     * @param unavailable whether it says that nothing was done because the database is away
     */
    @SuppressWarnings("unchecked") // nobody sees the array
    public Bulk(List<I> requests, Function<I, Lane<I, O>> laneOf, Predicate<O> overloaded, Predicate<O> unavailable) {
        this.requests = requests;
        this.laneOf = laneOf;
        this.overloaded = overloaded;
        this.unavailable = unavailable;
        this.outcomes = (O[]) new Object[requests.size()];
        this.open = IntStream.range(0, requests.size()).boxed().toList();
    }

    /** The outcomes, in the order of the requests. */
    public Mono<List<O>> once() {
        return Mono.defer(this::submitOpen).then(Mono.fromSupplier(() -> Arrays.asList(outcomes)));
    }

    /**
     * The same; but what is refused for lack of room is handed in until there is room, and what is refused because the
     * database is away is handed in again until the deadline.
     *
     * @param caller where to hand in again
     */
    public Mono<List<O>> patiently(LongSupplier nanoClock, long deadline, Scheduler caller) {
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
            I request = requests.get(index);
            part(parts, laneOf.apply(request)).add(index, request);
        }
        return parts;
    }

    /** The part that takes one more for this lane. The last of a lane is the one that may have room. */
    private Part part(List<Part> parts, Lane<I, O> lane) {
        // A handful of lanes: looking through them costs less than hashing them.
        for (int i = parts.size() - 1; i >= 0; i--) {
            if (parts.get(i).lane == lane) {
                return parts.get(i).isFull() ? begun(parts, lane) : parts.get(i);
            }
        }
        return begun(parts, lane);
    }

    private Part begun(List<Part> parts, Lane<I, O> lane) {
        Part part = new Part(lane);
        parts.add(part);
        return part;
    }

    private boolean hasOpen(boolean mayWaitForStore) {
        open = open.stream()
                .filter(index ->
                        overloaded.test(outcomes[index]) || (mayWaitForStore && unavailable.test(outcomes[index])))
                .toList();
        return !open.isEmpty();
    }

    /** What goes to one lane together. */
    private final class Part {

        private final Lane<I, O> lane;
        private final List<Integer> indexes = new ArrayList<>();
        private final List<I> together = new ArrayList<>();

        Part(Lane<I, O> lane) {
            this.lane = lane;
        }

        void add(int index, I request) {
            indexes.add(index);
            together.add(request);
        }

        boolean isFull() {
            return together.size() == lane.togetherMax();
        }

        Mono<Void> submit() {
            return lane.submit(together).doOnNext(this::take).then();
        }

        private void take(List<O> answers) {
            for (int i = 0; i < answers.size(); i++) {
                outcomes[indexes.get(i)] = answers.get(i);
            }
        }
    }
}
