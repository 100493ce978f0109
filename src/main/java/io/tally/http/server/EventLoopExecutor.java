package io.tally.http.server;

import io.netty.util.concurrent.EventExecutor;
import io.tally.lane.CallerExecutor;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;
import reactor.netty.resources.LoopResources;

/** The event loops of the server. A caller on another thread is answered on the thread that has the answer. */
final class EventLoopExecutor implements CallerExecutor {

    /** As many as processors: looking through them costs less than a thread-local. */
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
