package io.tally.job;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.time.Instant;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** The view of a job; {@code problem} only if it failed. */
public record JobView(
        UUID id,
        String kind,
        String namespace,
        String state,
        long done,
        @Nullable Long total,
        Instant startedAt,
        @Nullable Instant finishedAt,
        @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable String problem) {

    static JobView of(Job job) {
        return new JobView(
                job.id(),
                job.kind(),
                job.namespace(),
                job.state().label(),
                job.done(),
                job.total(),
                job.startedAt(),
                job.finishedAt(),
                job.problem());
    }
}
