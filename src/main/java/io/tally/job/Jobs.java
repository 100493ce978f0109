package io.tally.job;

import io.tally.counter.KeyedRequest;
import io.tally.http.IdempotencyKeys;
import io.tally.http.ProblemException;
import io.tally.http.ProblemType;
import io.tally.http.Routes;
import io.tally.idempotency.IdempotentResult;
import io.tally.job.JobStore.Started;
import java.net.URI;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.web.reactive.function.server.ServerResponse;
import reactor.core.publisher.Mono;

/** Starts jobs for features. Safe for use by many threads. */
public final class Jobs {

    private final JobStore store;

    Jobs(JobStore store) {
        this.store = store;
    }

    /**
     * Starts a job, unless one of the kind runs in the namespace. An instance claims it within a second. Fails with
     * {@link io.tally.pipeline.StoreFailure}; cancelling drops the result, not the job.
     *
     * @param request {@code null} to start a job each time
     */
    public Mono<IdempotentResult<Started>> start(String kind, String namespace, @Nullable KeyedRequest request) {
        return store.start(kind, namespace, request);
    }

    /**
     * The running jobs, the oldest first. Fails with {@link io.tally.pipeline.StoreFailure}.
     *
     * @param max the maximum of jobs
     */
    public Mono<List<JobView>> running(int max) {
        return store.running(max).map(jobs -> jobs.stream().map(JobView::of).toList());
    }

    /** The response to a request for a job: its location, or that of the running job of the kind. */
    public static Mono<ServerResponse> answer(IdempotentResult<Started> once) {
        return IdempotencyKeys.answer(once, Jobs::answer);
    }

    private static Mono<ServerResponse> answer(Started started, Consumer<HttpHeaders> headers) {
        URI location = URI.create(JobRoutes.path(started.job().id()));
        return started.fresh()
                ? Routes.json(ServerResponse.accepted().location(location).headers(headers), JobView.of(started.job()))
                : Mono.error(alreadyRunning(location));
    }

    private static ProblemException alreadyRunning(URI location) {
        return ProblemException.at(
                location, ProblemType.JOB_RUNNING, "A job of this kind runs in the namespace: " + location + ".");
    }
}
