package io.tally.http;

import io.tally.counter.Outcome;
import io.tally.counter.Outcome.Incremented;
import io.tally.counter.Outcome.Replayed;
import io.tally.http.IncrementItem.Answered;
import java.io.ByteArrayOutputStream;
import java.util.List;
import org.springframework.http.ProblemDetail;
import tools.jackson.core.JsonGenerator;
import tools.jackson.databind.ObjectWriter;
import tools.jackson.databind.json.JsonMapper;

/** What came of many increments, as JSON: {@code {"value":1,"version":1}} or {@code {"problem":{…}}} for each. */
final class ItemAnswers {

    /** About as long as an answer is. */
    private static final int ANSWER_BYTES = 40;

    private final ObjectWriter json;

    ItemAnswers(JsonMapper json) {
        this.json = json.writer().withRootValueSeparator("\n");
    }

    /** One line each. */
    byte[] lines(List<Answered> answers) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(answers.size() * ANSWER_BYTES);
        try (JsonGenerator generator = json.createGenerator(bytes)) {
            answers.forEach(answer -> write(answer, generator));
            generator.writeRaw('\n');
        }
        return bytes.toByteArray();
    }

    /** An array. */
    byte[] array(List<Answered> answers) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(answers.size() * ANSWER_BYTES);
        try (JsonGenerator generator = json.createGenerator(bytes)) {
            generator.writeStartArray();
            answers.forEach(answer -> write(answer, generator));
            generator.writeEndArray();
        }
        return bytes.toByteArray();
    }

    private static void write(Answered answer, JsonGenerator generator) {
        generator.writeStartObject();
        if (answer.outcome() instanceof Incremented incremented) {
            write(incremented, generator);
        } else if (answer.outcome() instanceof Replayed replayed
                && replayed.original() instanceof Incremented incremented) {
            write(incremented, generator);
            generator.writeBooleanProperty("replayed", true);
        } else {
            generator.writePOJOProperty("problem", problem(answer));
        }
        generator.writeEndObject();
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
