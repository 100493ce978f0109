package io.tally.bulk;

import com.fasterxml.jackson.annotation.JsonRawValue;
import io.tally.bulk.BulkItem.Forbidden;
import io.tally.bulk.BulkItem.Malformed;
import io.tally.bulk.BulkItem.StreamIncomplete;
import io.tally.bulk.BulkItem.Valid;
import io.tally.counter.Outcome;
import io.tally.http.Problems;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.springframework.http.ProblemDetail;

/** Counts the outcomes of a bulk request and keeps its first problems. For one thread at a time. */
final class BulkSummary {

    private static final int PROBLEMS_MAX = 10;

    private long applied;
    private long replayed;
    private long rejected;
    private long refused;
    private long failed;
    private @Nullable ProblemDetail incomplete;
    private final List<Problem> firstProblems = new ArrayList<>();

    /** A problem and its line, which is a number in each form: no stream has 2<sup>53</sup> lines. */
    record Problem(@JsonRawValue long line, ProblemDetail problem) {}

    /**
     * The summary in the response. Every line that is not blank counts once.
     *
     * @param rejected all lines with a problem
     * @param refused those of them that the client may retry unchanged, since nothing was applied
     * @param failed those of them whose outcome is unknown
     */
    record View(long applied, long replayed, long rejected, long refused, long failed, List<Problem> firstProblems) {}

    BulkSummary add(List<BulkItem<Outcome>> items) {
        items.forEach(this::add);
        return this;
    }

    private void add(BulkItem<Outcome> item) {
        switch (item) {
            case Valid<Outcome> valid -> add(valid.line(), valid.value());
            case Malformed<Outcome> malformed -> reject(malformed.line(), malformed::problem);
            case Forbidden<Outcome> forbidden -> reject(forbidden.line(), forbidden::problem);
            case StreamIncomplete<Outcome> end -> incomplete = end.problem();
        }
    }

    private void add(long line, Outcome outcome) {
        switch (outcome.category()) {
            case APPLIED -> applied++;
            case REPLAYED -> replayed++;
            case REJECTED -> reject(line, outcome);
            case REFUSED -> {
                refused++;
                reject(line, outcome);
            }
            case FAILED -> {
                failed++;
                reject(line, outcome);
            }
        }
    }

    private void reject(long line, Outcome outcome) {
        reject(line, () -> Problems.problem(outcome));
    }

    private void reject(long line, Supplier<ProblemDetail> problem) {
        rejected++;
        if (firstProblems.size() < PROBLEMS_MAX) {
            firstProblems.add(new Problem(line, problem.get()));
        }
    }

    /** Whether the request is a replay: it applied nothing now, and something before. */
    boolean isReplay() {
        return applied == 0 && replayed > 0;
    }

    View view() {
        return new View(applied, replayed, rejected, refused, failed, List.copyOf(firstProblems));
    }

    /** The summary as a problem if the stream was cut off, otherwise {@code null}. */
    @Nullable
    ProblemDetail incomplete() {
        ProblemDetail problem = incomplete;
        if (problem != null) {
            problem.setProperty("applied", applied);
            problem.setProperty("replayed", replayed);
            problem.setProperty("rejected", rejected);
            problem.setProperty("refused", refused);
            problem.setProperty("failed", failed);
            problem.setProperty("firstProblems", List.copyOf(firstProblems));
        }
        return problem;
    }
}
