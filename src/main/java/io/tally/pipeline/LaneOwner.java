package io.tally.pipeline;

import java.time.Duration;
import org.springframework.context.SmartLifecycle;

/** Whoever has a lane of its own: when the application stops, the lane admits no more and answers what it admitted. */
public abstract class LaneOwner implements SmartLifecycle {

    private volatile boolean running;

    /** The lane. */
    protected abstract Lane<?, ?> lane();

    /** The longest to wait for it. */
    protected abstract Duration drainMax();

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
        return CounterPipeline.PHASE;
    }
}
