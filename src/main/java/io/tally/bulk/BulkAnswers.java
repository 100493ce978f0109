package io.tally.bulk;

import java.io.ByteArrayOutputStream;
import java.util.List;
import java.util.function.BiConsumer;
import org.springframework.core.io.buffer.DefaultDataBufferFactory;
import org.springframework.http.MediaType;
import org.springframework.http.ProblemDetail;
import org.springframework.web.reactive.function.BodyInserters;
import org.springframework.web.reactive.function.server.ServerResponse;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import tools.jackson.core.JsonGenerator;
import tools.jackson.databind.ObjectWriter;
import tools.jackson.databind.json.JsonMapper;

/** What came of many items, as JSON: an array, or a line for each. */
public final class BulkAnswers<T> {

    /** About as long as an answer is. */
    private static final int ANSWER_BYTES = 40;

    private final ObjectWriter json;
    private final BiConsumer<T, JsonGenerator> members;

    /** @param members writes the members of the object that stands for one item */
    public BulkAnswers(JsonMapper json, BiConsumer<T, JsonGenerator> members) {
        this.json = json.writer().withRootValueSeparator("\n");
        this.members = members;
    }

    /** The member that stands for an item that was not done. */
    public static void problem(ProblemDetail problem, JsonGenerator generator) {
        generator.writePOJOProperty("problem", problem);
    }

    /** An answer that is a stream, with a line for each. */
    public Mono<ServerResponse> lines(Flux<List<T>> answers) {
        return ServerResponse.ok()
                .contentType(MediaType.APPLICATION_NDJSON)
                .body(BodyInserters.fromDataBuffers(
                        answers.map(this::lines).map(DefaultDataBufferFactory.sharedInstance::wrap)));
    }

    private byte[] lines(List<T> answers) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(answers.size() * ANSWER_BYTES);
        try (JsonGenerator generator = json.createGenerator(bytes)) {
            answers.forEach(answer -> write(answer, generator));
            generator.writeRaw('\n');
        }
        return bytes.toByteArray();
    }

    /** An answer that is an array. */
    public Mono<ServerResponse> array(ServerResponse.BodyBuilder response, List<T> answers) {
        return response.contentType(MediaType.APPLICATION_JSON).bodyValue(array(answers));
    }

    private byte[] array(List<T> answers) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(answers.size() * ANSWER_BYTES);
        try (JsonGenerator generator = json.createGenerator(bytes)) {
            generator.writeStartArray();
            answers.forEach(answer -> write(answer, generator));
            generator.writeEndArray();
        }
        return bytes.toByteArray();
    }

    private void write(T answer, JsonGenerator generator) {
        generator.writeStartObject();
        members.accept(answer, generator);
        generator.writeEndObject();
    }
}
