package io.tally.http;

import io.tally.counter.Outcome;
import io.tally.counter.Outcome.Verdict;
import io.tally.http.IncrementItem.Answered;
import java.util.ArrayList;
import java.util.List;
import org.springframework.http.ProblemDetail;

/** What came of many increments, in short. For one thread at a time. */
final class BulkSummary {

    private static final int PROBLEMS_MAX = 10;

    private long applied;
    private long replayed;
    private long rejected;
    private final List<Problem> firstProblems = new ArrayList<>();

    /** A problem and where it is. */
    record Problem(long line, ProblemDetail problem) {}

    /** The summary as it is sent. Every line that is not blank is counted once. */
    record View(long applied, long replayed, long rejected, List<Problem> firstProblems) {}

    BulkSummary add(List<Answered> answers) {
        answers.forEach(this::add);
        return this;
    }

    private void add(Answered answer) {
        switch (verdict(answer)) {
            case APPLIED -> applied++;
            case REPLAYED -> replayed++;
            case REJECTED, REFUSED, FAILED -> reject(answer);
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
        return new View(applied, replayed, rejected, List.copyOf(firstProblems));
    }

    /** What is malformed is rejected. */
    static Verdict verdict(Answered answer) {
        Outcome outcome = answer.outcome();
        return outcome == null ? Verdict.REJECTED : outcome.verdict();
    }
}
