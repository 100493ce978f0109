package io.tally.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.counter.KeyedRequest;
import io.tally.http.ProblemException;
import io.tally.job.Job.State;
import io.tally.pipeline.Once;
import io.tally.pipeline.StoreFailure;
import io.tally.pipeline.StoreFailure.Cause;
import io.tally.pipeline.StoreFailure.Kind;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.reactivestreams.Subscription;
import org.springframework.http.codec.ServerSentEvent;
import reactor.core.Disposable;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Mono;
import reactor.test.scheduler.VirtualTimeScheduler;

/** Streams of a job that a test moves by hand, in a time that a test moves by hand. */
class JobStreamsTest {

    private static final UUID ID = UUID.randomUUID();

    private VirtualTimeScheduler time = VirtualTimeScheduler.create();
    private Mono<Job> found = Mono.just(job(0));
    private JobStreams streams = new JobStreams(new Store(), () -> time.now(TimeUnit.NANOSECONDS));
    private final List<ServerSentEvent<JobView>> events = new ArrayList<>();

    @BeforeEach
    void start() {
        time = VirtualTimeScheduler.getOrSet();
        streams = new JobStreams(new Store(), () -> time.now(TimeUnit.NANOSECONDS));
    }

    @AfterEach
    void stop() {
        VirtualTimeScheduler.reset();
    }

    private static Job job(long done) {
        return new Job(ID, "test", "ns", State.RUNNING, done, null, Instant.EPOCH, null, null);
    }

    private static Job finished(long done) {
        return new Job(ID, "test", "ns", State.DONE, done, done, Instant.EPOCH, Instant.EPOCH, null);
    }

    private Disposable watch() {
        return streams.events(job(0), false).subscribe(events::add);
    }

    private List<Long> told() {
        return events.stream()
                .map(ServerSentEvent::data)
                .filter(Objects::nonNull)
                .map(JobView::done)
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
        found = Mono.just(job(7));
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
        passes(JobStreams.HEARTBEAT.toSeconds() - 1);
        assertThat(events).hasSize(1);
        passes(2);
        assertThat(events).hasSize(2);
        assertThat(events.getLast().data()).isNull();
        assertThat(events.getLast().comment()).isNotNull();
        passes(3 * JobStreams.HEARTBEAT.toSeconds());
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
    void endsWhenTheJobIsGone() {
        Disposable stream = watch();
        found = Mono.empty();
        passes(1);
        assertThat(stream.isDisposed()).isTrue();
    }

    @Test
    void aSlowReaderIsToldTheLast() {
        BaseSubscriber<ServerSentEvent<JobView>> reader = new BaseSubscriber<>() {
            @Override
            protected void hookOnSubscribe(Subscription subscription) {
                // asks for nothing yet
            }

            @Override
            protected void hookOnNext(ServerSentEvent<JobView> event) {
                events.add(event);
            }
        };
        streams.events(job(0), false).subscribe(reader);
        for (int done = 1; done < 100; done++) {
            found = Mono.just(job(done));
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
        for (int i = 0; i < JobStreams.STREAMS_MAX; i++) {
            open.add(watch());
        }
        List<Throwable> refused = new ArrayList<>();
        streams.events(job(0), false).subscribe(event -> {}, refused::add);
        assertThat(refused).singleElement().isInstanceOf(ProblemException.class);
        open.getFirst().dispose();
        assertThat(watch().isDisposed()).isFalse();
        streams.stop();
        assertThat(open).allMatch(Disposable::isDisposed);
    }

    /** Finds what the test says. */
    private final class Store implements JobStore {

        @Override
        public Mono<Job> find(UUID id) {
            return found;
        }

        @Override
        public Mono<Once<Started>> start(String kind, String namespace, @Nullable KeyedRequest request) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Mono<Claim> claim(Set<String> kinds) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Mono<Void> renew(Claim claim) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Mono<Void> counted(Claim claim, long total) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Mono<Void> release(Claim claim) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Mono<Void> fail(Claim claim, String problem) {
            throw new UnsupportedOperationException();
        }
    }
}
