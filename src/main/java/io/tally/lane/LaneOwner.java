package io.tally.lane;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.springframework.context.SmartLifecycle;
import org.springframework.scheduling.annotation.Scheduled;

/**
 * A component with lanes of its own. It refuses requests that wait too long in a lane, and closes its lanes when the
 * application stops: they then admit no more requests and answer the admitted ones.
 */
public abstract class LaneOwner implements SmartLifecycle {

    /** After the web server, which stops in an earlier phase, has completed its last request. */
    public static final int PHASE = SmartLifecycle.DEFAULT_PHASE - 4096;

    private static final int EXPIRY_INTERVAL_MILLIS = 250;

    private volatile boolean running;

    /** The lanes; always the same. */
    public abstract List<Lane<?, ?>> lanes();

    /** The time-out for draining the lanes at shutdown. */
    protected abstract Duration drainMax();

    @Scheduled(fixedRate = EXPIRY_INTERVAL_MILLIS)
    final void expire() {
        lanes().forEach(Lane::expire);
    }

    @Override
    public final void start() {
        running = true;
    }

    @Override
    public final void stop() {
        stop(() -> {});
    }

    @Override
    public final void stop(Runnable callback) {
        List<Lane<?, ?>> lanes = lanes();
        AtomicInteger open = new AtomicInteger(lanes.size());
        Runnable closed = () -> {
            if (open.decrementAndGet() == 0) {
                running = false;
                callback.run();
            }
        };
        lanes.forEach(lane -> lane.close(drainMax(), closed));
    }

    @Override
    public final boolean isRunning() {
        return running;
    }

    @Override
    public final int getPhase() {
        return PHASE;
    }
}
