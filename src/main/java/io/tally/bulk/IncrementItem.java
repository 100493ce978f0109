package io.tally.bulk;

import io.tally.counter.Command;
import io.tally.counter.Outcome;
import io.tally.http.ProblemType;
import io.tally.http.Problems;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.http.ProblemDetail;

/**
 * One of many increments: a command, or the problem with what stands in its place.
 *
 * @param line its number in the input, from 1
 */
record IncrementItem(
        long line, @Nullable Command command, @Nullable ProblemDetail problem) {

    /** An item and what came of it: either an outcome or a problem. */
    record Answered(IncrementItem item, @Nullable Outcome outcome) {}

    /** Whether it stands for the rest of a stream that broke off. */
    boolean isEnd() {
        return problem != null && Problems.isOf(ProblemType.STREAM_INCOMPLETE, problem);
    }

    static IncrementItem refused(long line, ProblemType type, String detail) {
        return refused(line, Problems.shared(type, detail));
    }

    static IncrementItem refused(long line, ProblemDetail problem) {
        return new IncrementItem(line, null, problem);
    }

    static List<Command> commands(List<IncrementItem> items) {
        List<Command> commands = new ArrayList<>(items.size());
        for (IncrementItem item : items) {
            if (item.command != null) {
                commands.add(item.command);
            }
        }
        return commands;
    }

    /** Gives each its outcome; {@code outcomes} are those of the commands, in their order. */
    static List<Answered> answered(List<IncrementItem> items, List<Outcome> outcomes) {
        Iterator<Outcome> next = outcomes.iterator();
        List<Answered> answered = new ArrayList<>(items.size());
        for (IncrementItem item : items) {
            answered.add(new Answered(item, item.command == null ? null : next.next()));
        }
        return answered;
    }
}
