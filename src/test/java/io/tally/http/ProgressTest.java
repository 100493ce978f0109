package io.tally.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.http.Progress.Work;
import io.tally.pipeline.StoreFailure;
import io.tally.pipeline.StoreFailure.Cause;
import io.tally.pipeline.StoreFailure.Kind;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.reactivestreams.Subscription;
import org.springframework.http.codec.ServerSentEvent;
import reactor.core.Disposable;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Mono;
import reactor.test.scheduler.VirtualTimeScheduler;

/** Streams of work that a test moves by hand, in a time that a test moves by hand. */
class ProgressTest {

    private record Stand(long done, boolean finished) {}

    private VirtualTimeScheduler time = VirtualTimeScheduler.create();
    private Mono<Stand> found = Mono.just(at(0));
    private final Mono<Stand> row = Mono.defer(() -> found);
    private Progress<Stand> streams = progress();
    private final List<ServerSentEvent<Object>> events = new ArrayList<>();

    @BeforeEach
    void start() {
        time = VirtualTimeScheduler.getOrSet();
        streams = progress();
    }

    @AfterEach
    void stop() {
        VirtualTimeScheduler.reset();
    }

    private Progress<Stand> progress() {
        return new Progress<>(
                new Work<>("test", id -> row, Stand::finished, stand -> stand), () -> time.now(TimeUnit.NANOSECONDS));
    }

    private static Stand at(long done) {
        return new Stand(done, false);
    }

    private static Stand finished(long done) {
        return new Stand(done, true);
    }

    private Disposable watch() {
        return streams.events(row, Optional.of(at(0)), false).subscribe(events::add);
    }

    private List<Long> told() {
        return events.stream()
                .map(ServerSentEvent::data)
                .filter(Objects::nonNull)
                .map(stand -> ((Stand) stand).done())
                .toList();
    }

    private void passes(long seconds) {
        time.advanceTimeBy(Duration.ofSeconds(seconds));
    }

    @Test
    void tellsEachChangeOnceAndEndsWithTheLast() {
        Disposable stream = watch();
        assertThat(told()).containsExactly(0L);
        passes(5);
        assertThat(told()).containsExactly(0L);
        found = Mono.just(at(7));
        passes(5);
        assertThat(told()).containsExactly(0L, 7L);
        found = Mono.just(finished(9));
        passes(1);
        assertThat(told()).containsExactly(0L, 7L, 9L);
        assertThat(stream.isDisposed()).isTrue();
    }

    @Test
    void beatsWhileNothingChanges() {
        Disposable stream = watch();
        passes(Progress.HEARTBEAT.toSeconds() - 1);
        assertThat(events).hasSize(1);
        passes(2);
        assertThat(events).hasSize(2);
        assertThat(events.getLast().data()).isNull();
        assertThat(events.getLast().comment()).isNotNull();
        passes(3 * Progress.HEARTBEAT.toSeconds());
        assertThat(events.size()).isBetween(4, 5);
        stream.dispose();
    }

    @Test
    void outlastsADatabaseThatIsAway() {
        Disposable stream = watch();
        found = Mono.error(new StoreFailure(Kind.UNAVAILABLE, Cause.CONNECTION, "away"));
        passes(60);
        assertThat(stream.isDisposed()).isFalse();
        found = Mono.just(finished(9));
        passes(1);
        assertThat(told()).containsExactly(0L, 9L);
    }

    @Test
    void beginsWhileTheDatabaseIsAway() {
        found = Mono.error(new StoreFailure(Kind.UNAVAILABLE, Cause.CONNECTION, "away"));
        Disposable stream = streams.events(row, Optional.empty(), false).subscribe(events::add);
        assertThat(events)
                .singleElement()
                .satisfies(event -> assertThat(event.comment()).isNotNull());
        passes(2 * Progress.HEARTBEAT.toSeconds());
        assertThat(events).hasSizeBetween(2, 3);
        assertThat(told()).isEmpty();
        found = Mono.just(at(7));
        passes(1);
        assertThat(told()).containsExactly(7L);
        found = Mono.just(finished(9));
        passes(1);
        assertThat(told()).containsExactly(7L, 9L);
        assertThat(stream.isDisposed()).isTrue();
    }

    @Test
    void endsWhereItProvesThatThereIsNoWork() {
        found = Mono.error(new StoreFailure(Kind.UNAVAILABLE, Cause.CONNECTION, "away"));
        Disposable stream = streams.events(row, Optional.empty(), false).subscribe(events::add);
        passes(5);
        assertThat(stream.isDisposed()).isFalse();
        found = Mono.empty();
        passes(1);
        assertThat(told()).isEmpty();
        assertThat(stream.isDisposed()).isTrue();
    }

    @Test
    void endsWhenTheWorkIsGone() {
        Disposable stream = watch();
        found = Mono.empty();
        passes(1);
        assertThat(stream.isDisposed()).isTrue();
    }

    @Test
    void aSlowReaderIsToldTheLast() {
        BaseSubscriber<ServerSentEvent<Object>> reader = new BaseSubscriber<>() {
            @Override
            protected void hookOnSubscribe(Subscription subscription) {
                // asks for nothing yet
            }

            @Override
            protected void hookOnNext(ServerSentEvent<Object> event) {
                events.add(event);
            }
        };
        streams.events(row, Optional.of(at(0)), false).subscribe(reader);
        for (int done = 1; done < 100; done++) {
            found = Mono.just(at(done));
            passes(1);
        }
        found = Mono.just(finished(100));
        passes(1);
        reader.request(10);
        assertThat(told()).containsExactly(100L);
        assertThat(reader.isDisposed()).isTrue();
    }

    @Test
    void thoseThatEndMakeRoom() {
        List<Disposable> open = new ArrayList<>();
        for (int i = 0; i < Progress.STREAMS_MAX; i++) {
            open.add(watch());
        }
        List<Throwable> refused = new ArrayList<>();
        streams.events(row, Optional.of(at(0)), false).subscribe(event -> {}, refused::add);
        assertThat(refused).singleElement().isInstanceOf(ProblemException.class);
        open.getFirst().dispose();
        assertThat(watch().isDisposed()).isFalse();
        streams.stop();
        assertThat(open).allMatch(Disposable::isDisposed);
    }
}
