package io.tally.name;

import io.tally.counter.Outcome.Verdict;
import io.tally.http.ProblemType;
import io.tally.http.Problems;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.springframework.http.ProblemDetail;

/** One of many names: what is wanted, or the problem with what stands in its place. */
record NameItem(@Nullable Wanted wanted, @Nullable ProblemDetail problem) {

    /** An item and what came of it: either an answer or a problem. */
    record Answered(NameItem item, @Nullable NameAnswer answer) {

        /** What is malformed is rejected. */
        Verdict verdict() {
            return answer == null ? Verdict.REJECTED : answer.verdict();
        }
    }

    /** Whether it stands for the rest of a stream that broke off. */
    boolean isEnd() {
        return problem != null && Problems.isOf(ProblemType.STREAM_INCOMPLETE, problem);
    }

    static List<Wanted> wanted(List<NameItem> items) {
        return items.stream().map(NameItem::wanted).filter(Objects::nonNull).toList();
    }

    /** Gives each its answer; {@code answers} are those of what is wanted, in its order. */
    static List<Answered> answered(List<NameItem> items, List<NameAnswer> answers) {
        Iterator<NameAnswer> next = answers.iterator();
        List<Answered> answered = new ArrayList<>(items.size());
        for (NameItem item : items) {
            answered.add(new Answered(item, item.wanted == null ? null : next.next()));
        }
        return answered;
    }
}
