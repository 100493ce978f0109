package io.tally.lane;

import java.time.Duration;
import org.springframework.context.SmartLifecycle;
import org.springframework.scheduling.annotation.Scheduled;

/**
 * A component with a lane of its own. It refuses requests that wait too long in the lane, and closes the lane when the
 * application stops: the lane then admits no more requests and answers the admitted ones.
 */
public abstract class LaneOwner implements SmartLifecycle {

    /** After the web server, which stops in an earlier phase, has completed its last request. */
    public static final int PHASE = SmartLifecycle.DEFAULT_PHASE - 4096;

    private static final int EXPIRY_INTERVAL_MILLIS = 250;

    private volatile boolean running;

    /** The lane. */
    protected abstract Lane<?, ?> lane();

    /** The name of the lane in logs and metrics. */
    public final String laneName() {
        return lane().name();
    }

    /** The age of the lane's batch in flight; zero without one. */
    public final Duration batchAge() {
        return lane().batchAge();
    }

    /** The time-out for draining the lane at shutdown. */
    protected abstract Duration drainMax();

    @Scheduled(fixedRate = EXPIRY_INTERVAL_MILLIS)
    final void expire() {
        lane().expire();
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
        lane().close(drainMax(), () -> {
            running = false;
            callback.run();
        });
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
