package io.tally.bulk;

import io.tally.bulk.IncrementItem.Answered;
import io.tally.counter.Outcome;
import io.tally.counter.Outcome.Verdict;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.http.ProblemDetail;

/** What came of many increments, in short. For one thread at a time. */
final class BulkSummary {

    private static final int PROBLEMS_MAX = 10;

    private long applied;
    private long replayed;
    private long rejected;
    private long refused;
    private long failed;
    private @Nullable ProblemDetail broken;
    private final List<Problem> firstProblems = new ArrayList<>();

    /** A problem and where it is. */
    record Problem(long line, ProblemDetail problem) {}

    /**
     * The summary as it is sent. Every line that is not blank is counted once.
     *
     * @param rejected all lines with a problem
     * @param refused those of them that may be sent again as they are, since nothing was applied
     * @param failed those of them of which nobody knows whether they were applied
     */
    record View(long applied, long replayed, long rejected, long refused, long failed, List<Problem> firstProblems) {}

    BulkSummary add(List<Answered> answers) {
        answers.forEach(this::add);
        return this;
    }

    private void add(Answered answer) {
        if (answer.item().isEnd()) {
            broken = ItemAnswers.problem(answer);
            return;
        }
        switch (verdict(answer)) {
            case APPLIED -> applied++;
            case REPLAYED -> replayed++;
            case REJECTED -> reject(answer);
            case REFUSED -> {
                refused++;
                reject(answer);
            }
            case FAILED -> {
                failed++;
                reject(answer);
            }
        }
    }

    private void reject(Answered answer) {
        rejected++;
        if (firstProblems.size() < PROBLEMS_MAX) {
            firstProblems.add(new Problem(answer.item().line(), ItemAnswers.problem(answer)));
        }
    }

    /** Whether nothing was applied now that had not been applied before. */
    boolean isReplay() {
        return applied == 0 && replayed > 0;
    }

    View view() {
        return new View(applied, replayed, rejected, refused, failed, List.copyOf(firstProblems));
    }

    /** The summary as a problem, where the stream broke off; else {@code null}. */
    @Nullable
    ProblemDetail incomplete() {
        ProblemDetail problem = broken;
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

    /** What is malformed is rejected. */
    static Verdict verdict(Answered answer) {
        Outcome outcome = answer.outcome();
        return outcome == null ? Verdict.REJECTED : outcome.verdict();
    }
}
