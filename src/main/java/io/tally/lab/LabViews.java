package io.tally.lab;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.time.Instant;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** The views of the lab. */
final class LabViews {

    private LabViews() {}

    /** The view of a run; {@code problem} only if it failed. */
    record RunView(
            UUID id,
            String state,
            boolean stopping,
            String strategy,
            String isolation,
            int workers,
            long increments,
            int counters,
            long done,
            Instant startedAt,
            @Nullable Instant finishedAt,
            @Nullable ResultView result,

            @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable
            String problem) {

        static RunView of(LabRun run) {
            LabRun.Result result = run.result();
            return new RunView(
                    run.id(),
                    run.state().label(),
                    run.stopping(),
                    run.experiment().strategy().label(),
                    run.experiment().isolation().label(),
                    run.experiment().workers(),
                    run.experiment().increments(),
                    run.experiment().counters(),
                    run.done(),
                    run.startedAt(),
                    run.finishedAt(),
                    result == null ? null : ResultView.of(result),
                    run.problem());
        }
    }

    /** The view of a result. */
    record ResultView(
            long acknowledged,
            long stored,
            long lost,
            long duplicateRows,
            long errors,
            long retries,
            double seconds,
            double perSecond,
            @Nullable Double p50Ms,
            @Nullable Double p99Ms,
            boolean timedOut) {

        static ResultView of(LabRun.Result result) {
            Double p50Ms = result.p50Ms();
            Double p99Ms = result.p99Ms();
            return new ResultView(
                    result.acknowledged(),
                    result.stored(),
                    result.lost(),
                    result.duplicateRows(),
                    result.errors(),
                    result.retries(),
                    rounded(result.seconds()),
                    rounded(result.perSecond()),
                    p50Ms == null ? null : rounded(p50Ms),
                    p99Ms == null ? null : rounded(p99Ms),
                    result.timedOut());
        }

        /** Rounds to thousandths; further digits are noise. */
        private static double rounded(double number) {
            return Math.round(number * 1_000) / 1_000.0;
        }
    }
}
