package io.tally.bulk;

import io.tally.bulk.IncrementItem.Answered;
import io.tally.counter.Outcome;
import io.tally.counter.Outcome.Incremented;
import io.tally.counter.Outcome.Replayed;
import io.tally.http.Problems;
import org.springframework.http.ProblemDetail;
import tools.jackson.core.JsonGenerator;

/** What came of one of many increments, as JSON: {@code {"value":1,"version":1}} or {@code {"problem":{…}}}. */
final class ItemAnswers {

    private ItemAnswers() {}

    static void write(Answered answer, JsonGenerator generator) {
        if (answer.outcome() instanceof Incremented incremented) {
            write(incremented, generator);
        } else if (answer.outcome() instanceof Replayed replayed
                && replayed.original() instanceof Incremented incremented) {
            write(incremented, generator);
            generator.writeBooleanProperty("replayed", true);
        } else {
            BulkAnswers.problem(problem(answer), generator);
        }
    }

    private static void write(Incremented incremented, JsonGenerator generator) {
        generator.writeNumberProperty("value", incremented.value());
        generator.writeNumberProperty("version", incremented.version());
    }

    /** The problem with an item that was not applied. */
    static ProblemDetail problem(Answered answer) {
        ProblemDetail malformed = answer.item().problem();
        Outcome outcome = answer.outcome();
        if (malformed != null) {
            return malformed;
        }
        if (outcome == null) {
            throw new IllegalArgumentException("neither answered nor refused: " + answer);
        }
        return Problems.problem(outcome);
    }
}
