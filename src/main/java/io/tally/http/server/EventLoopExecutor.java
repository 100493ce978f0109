package io.tally.http.server;

import io.netty.util.concurrent.EventExecutor;
import io.tally.lane.CallerExecutor;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;
import reactor.netty.resources.LoopResources;

/**
 * Finds the event loop of a caller. A caller on another thread gets its outcome on the thread that completes the batch.
 */
final class EventLoopExecutor implements CallerExecutor {

    /** One loop per processor: a linear search costs less than a thread-local. */
    private final List<EventExecutor> loops = new ArrayList<>();

    EventLoopExecutor(LoopResources resources) {
        resources.onServer(LoopResources.DEFAULT_NATIVE).forEach(loops::add);
    }

    @Override
    public Executor current() {
        for (EventExecutor loop : loops) {
            if (loop.inEventLoop()) {
                return loop;
            }
        }
        return Runnable::run;
    }
}
