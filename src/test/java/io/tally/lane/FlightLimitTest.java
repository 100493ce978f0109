package io.tally.lane;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

class FlightLimitTest {

    private static final Lane.Limits LIMITS = new Lane.Limits(1_000, 1_000, Duration.ofHours(1), Duration.ofHours(1));

    private final AtomicLong now = new AtomicLong();
    private final FlightLimit flights = new FlightLimit(2, now::get);
    private final List<Server> servers =
            IntStream.range(0, 4).mapToObj(index -> new Server()).toList();
    private final List<Lane<Integer, String>> lanes =
            servers.stream().map(this::lane).toList();
    private final List<String> answers = new ArrayList<>();

    /** Keeps each batch in flight until the test ends it. */
    private static final class Server implements BatchHandler<Integer, String> {

        private final List<List<Integer>> batches = new ArrayList<>();
        private Sinks.Empty<Void> flight = Sinks.empty();

        @Override
        public Mono<Void> handle(List<PendingRequest<Integer, String>> requests) {
            batches.add(requests.stream().map(PendingRequest::request).toList());
            flight = Sinks.empty();
            return flight.asMono()
                    .doOnSuccess(end -> requests.forEach(pending -> pending.answer("done " + pending.request())));
        }

        void end() {
            flight.tryEmitEmpty();
        }

        @Override
        public Refusals<String> refusals() {
            return new Refusals<>("overloaded", "unavailable", "abandoned");
        }

        @Override
        public boolean isAvailable() {
            return true;
        }
    }

    private Lane<Integer, String> lane(Server server) {
        return new Lane<>("lane", LIMITS, server, CallerExecutor.ANY, nanos -> {}, now::get, flights);
    }

    private void submit(int lane, int request) {
        lanes.get(lane).submit(request).subscribe(answers::add);
    }

    private List<List<Integer>> batches(int lane) {
        return servers.get(lane).batches;
    }

    @Test
    void aLaneThatWaitsWritesALargerBatch() {
        submit(0, 1);
        submit(1, 2);
        submit(2, 3);
        submit(2, 4);
        assertThat(batches(2)).isEmpty();

        servers.get(0).end();

        assertThat(batches(2)).containsExactly(List.of(3, 4));
        assertThat(answers).containsExactly("done 1");
    }

    @Test
    void lanesTakeTurns() {
        submit(0, 1);
        submit(1, 2);
        submit(2, 3);
        submit(3, 4);
        submit(0, 5);
        // Lane 0 has more to write, and is behind lanes 2 and 3.
        servers.get(0).end();
        assertThat(batches(2)).hasSize(1);
        assertThat(batches(0)).hasSize(1);

        servers.get(1).end();
        assertThat(batches(3)).hasSize(1);
        assertThat(batches(0)).hasSize(1);

        servers.get(2).end();
        assertThat(batches(0)).containsExactly(List.of(1), List.of(5));
    }

    @Test
    void aBatchThatTakesLongDoesNotCount() {
        submit(0, 1);
        submit(1, 2);
        submit(2, 3);
        assertThat(batches(2)).isEmpty();

        now.addAndGet(Duration.ofMillis(5).toNanos());
        lanes.get(2).expire();
        assertThat(batches(2)).hasSize(1);

        // The next request needs no tick.
        submit(3, 4);
        assertThat(batches(3)).hasSize(1);
    }

    @Test
    void aLaneWithoutRequestsTakesNoPlace() {
        submit(0, 1);
        lanes.get(1).expire();
        lanes.get(2).expire();
        submit(3, 2);

        assertThat(batches(3)).hasSize(1);
    }

    @Test
    void eachRequestIsAnsweredOnce() {
        for (int i = 0; i < 400; i++) {
            submit(i % 4, i);
        }
        while (answers.size() < 400) {
            int before = answers.size();
            servers.forEach(Server::end);
            assertThat(answers.size()).isGreaterThan(before);
        }

        assertThat(answers).doesNotHaveDuplicates().allMatch(answer -> answer.startsWith("done"));
        assertThat(servers.stream().mapToInt(server -> server.batches.size()).sum())
                .isLessThan(20);
    }
}
