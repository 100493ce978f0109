package io.tally.watch;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.tally.counter.Bounds;
import io.tally.counter.Counter;
import io.tally.counter.CounterId;
import io.tally.counter.Kind;
import io.tally.http.Int64Form;
import io.tally.http.ResponseJson;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.reactivestreams.Subscription;
import org.springframework.core.io.buffer.DataBuffer;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.FluxSink.OverflowStrategy;
import tools.jackson.databind.json.JsonMapper;

/** What a stream sends to a client that takes little of it. */
class WatchStreamTest {

    private static final ResponseJson JSON = new ResponseJson(new JsonMapper(), List.of());

    private final List<WatchedCounter> counters = IntStream.range(0, 3)
            .mapToObj(i -> new WatchedCounter(new CounterId("test", "c" + i)))
            .toList();
    private final List<String> received = new ArrayList<>();
    private final Client client = new Client();
    private final SimpleMeterRegistry registry = new SimpleMeterRegistry();

    private final class Client extends BaseSubscriber<DataBuffer> {

        @Override
        protected void hookOnSubscribe(Subscription subscription) {
            // Asks by itself.
        }

        @Override
        protected void hookOnNext(DataBuffer buffer) {
            received.add(buffer.toString(UTF_8));
        }
    }

    private WatchStream stream(List<WatchedCounter> watched, long... versions) {
        WatchStream stream = blindStream(watched, versions);
        stream.see();
        return stream;
    }

    private WatchStream blindStream(List<WatchedCounter> watched, long... versions) {
        WatchStream stream = new WatchStream(
                watched,
                versions,
                /* required= */ watched.size() == 1,
                Int64Form.NUMBER,
                Runnable::run,
                registry.counter("events"));
        Flux.create(stream::attach, OverflowStrategy.ERROR).subscribe(client);
        return stream;
    }

    private void become(int counter, long version) {
        become(counter, version, version * 10);
    }

    private void become(int counter, long version, long value) {
        WatchedCounter watched = counters.get(counter);
        watched.become(State.of(
                watched.id(),
                version == 0
                        ? null
                        : new Counter(
                                watched.id(), Kind.PLAIN, value, version, 0, Bounds.NONE, Instant.EPOCH, Instant.EPOCH),
                JSON));
    }

    private List<String> ids() {
        return received.stream()
                .map(event -> event.lines().findFirst().orElse(""))
                .toList();
    }

    /** What is known of the counter from before may be older than what was acknowledged since. */
    @Test
    void streamThatSawNothingYetSendsHeartbeatsOnly() {
        become(0, 1);
        WatchStream stream = blindStream(List.of(counters.getFirst()), 0);
        client.request(10);
        stream.beat();
        assertThat(ids()).containsExactly(":", ":");
        become(0, 2);
        stream.wake();
        assertThat(ids()).containsExactly(":", ":");
        stream.see();
        assertThat(ids()).containsExactly(":", ":", "id: 2");
    }

    @Test
    void streamEndsWhereItsCounterProvesAbsent() {
        become(0, 0);
        WatchStream stream = blindStream(List.of(counters.getFirst()), 5);
        client.request(10);
        assertThat(client.isDisposed()).isFalse();
        stream.see();
        assertThat(client.isDisposed()).isTrue();
        assertThat(ids()).containsExactly(":");
    }

    @Test
    void clientWithoutRoomGetsTheLatestOnly() {
        become(0, 1);
        WatchStream stream = stream(counters.subList(0, 1), 0);
        for (int version = 2; version <= 1_000; version++) {
            become(0, version);
            stream.wake();
        }
        assertThat(received).isEmpty();

        client.request(1);
        assertThat(ids()).containsExactly("id: 1000");
        client.request(10);
        assertThat(received).hasSize(1);
        become(0, 1_001);
        stream.wake();
        assertThat(ids()).containsExactly("id: 1000", "id: 1001");
        assertThat(registry.counter("events").count()).isEqualTo(2);
    }

    @Test
    void eachCounterHasItsTurnWhereThereIsLittleRoom() {
        WatchStream stream = stream(counters, 0, 0, 0);
        for (int version = 1; version <= 6; version++) {
            for (int counter = 0; counter < 3; counter++) {
                become(counter, version);
            }
            stream.wake();
            client.request(1);
        }
        assertThat(ids()).containsExactly("id: 1,0,0", "id: 1,2,0", "id: 1,2,3", "id: 4,2,3", "id: 4,5,3", "id: 4,5,6");
    }

    @Test
    void clientIsSentNothingThatItHas() {
        become(0, 5);
        become(1, 7);
        become(2, 0);
        client.request(10);
        WatchStream stream = stream(counters, 5, 6, 0);
        client.request(10);
        assertThat(ids()).containsExactly("id: 5,7,0");

        // Made again, and as often changed: another state with the same version.
        become(0, 5, 1);
        stream.wake();
        assertThat(received).hasSize(2);
        assertThat(received.getLast()).contains("\"value\":1,");
    }

    @Test
    void heartBeatsAreForThoseWithRoomAndNothingElseToSend() {
        become(0, 5);
        WatchStream stream = stream(counters.subList(0, 1), 5);
        for (int i = 0; i < 10; i++) {
            stream.beat();
        }
        assertThat(received).isEmpty();
        client.request(10);
        assertThat(received).containsExactly(":\n\n");
        stream.beat();
        assertThat(received).containsExactly(":\n\n", ":\n\n");
        assertThat(registry.counter("events").count()).isZero();
    }

    @Test
    void endsWithoutRoom() {
        become(0, 5);
        WatchStream stream = stream(counters.subList(0, 1), 0);
        stream.end();
        assertThat(client.isDisposed()).isTrue();
        assertThat(received).isEmpty();
    }
}
