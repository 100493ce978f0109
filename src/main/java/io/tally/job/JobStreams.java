package io.tally.job;

import io.tally.http.ProblemException;
import io.tally.http.ProblemType;
import io.tally.pipeline.StoreFailure;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.springframework.context.event.ContextClosedEvent;
import org.springframework.context.event.EventListener;
import org.springframework.http.codec.ServerSentEvent;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.core.publisher.SynchronousSink;

/** Jobs as streams of events. Each stream reads its job's row at an interval: any instance may be the one that works on it. */
final class JobStreams {

    /** Bounds what all streams read: so many rows by their key in one interval. */
    static final int STREAMS_MAX = 64;

    private static final Duration INTERVAL = Duration.ofMillis(500);

    /** Shorter than what proxies let a connection be silent. */
    static final Duration HEARTBEAT = Duration.ofSeconds(15);

    private final JobStore store;
    private final LongSupplier nanoClock;
    private final AtomicInteger open = new AtomicInteger();
    private final Sinks.Empty<Void> stopping = Sinks.empty();

    /** @param nanoClock {@link System#nanoTime} but in tests */
    JobStreams(JobStore store, LongSupplier nanoClock) {
        this.store = store;
        this.nanoClock = nanoClock;
    }

    /**
     * The job at once, and then as often as it has changed, until it is finished or this instance stops. A slow reader misses
     * states, never the last. Fails with a {@link ProblemException} before the first event where too many are open.
     *
     * @param job as it was just found
     * @param once without waiting for what comes next
     */
    Flux<ServerSentEvent<JobView>> events(Job job, boolean once) {
        return Flux.defer(() -> admitted(job, once));
    }

    private Flux<ServerSentEvent<JobView>> admitted(Job job, boolean once) {
        if (open.incrementAndGet() > STREAMS_MAX) {
            open.decrementAndGet();
            return Flux.error(new ProblemException(
                    ProblemType.OVERLOADED, STREAMS_MAX + " jobs are watched on this instance already."));
        }
        Stream stream = new Stream(job);
        return (once ? stream.first() : stream.events())
                .takeUntilOther(stopping.asMono())
                .doFinally(signal -> open.decrementAndGet());
    }

    /** Streams last as long as jobs: this ends them, so that nobody waits for them. */
    @EventListener(ContextClosedEvent.class)
    void stop() {
        stopping.tryEmitEmpty();
    }

    private final class Stream {

        /** As last read. */
        private Job read;

        /** As last told. */
        private @Nullable Job told;

        private long toldNanos;

        Stream(Job first) {
            this.read = first;
        }

        Flux<ServerSentEvent<JobView>> first() {
            return Flux.just(event(read));
        }

        Flux<ServerSentEvent<JobView>> events() {
            return Mono.just(read)
                    .concatWith(reads())
                    .takeUntil(Job::isFinished)
                    // A reader that is slow must not hold on to a read, which holds a connection.
                    .onBackpressureLatest()
                    .handle(this::tell);
        }

        private Flux<Job> reads() {
            return Mono.delay(INTERVAL)
                    .then(Mono.defer(this::read))
                    // Nothing is read once the row is gone.
                    .repeatWhen(reads -> reads.takeWhile(found -> found > 0));
        }

        private Mono<Job> read() {
            return store.find(read.id())
                    .doOnNext(job -> read = job)
                    // The stream outlasts a database that is away.
                    .onErrorResume(StoreFailure.class, failure -> Mono.just(read));
        }

        private void tell(Job job, SynchronousSink<ServerSentEvent<JobView>> sink) {
            long now = nanoClock.getAsLong();
            if (!job.equals(told)) {
                told = job;
                toldNanos = now;
                sink.next(event(job));
            } else if (now - toldNanos >= HEARTBEAT.toNanos()) {
                toldNanos = now;
                sink.next(ServerSentEvent.<JobView>builder().comment("").build());
            }
        }

        private static ServerSentEvent<JobView> event(Job job) {
            return ServerSentEvent.builder(JobView.of(job)).build();
        }
    }
}
