package io.tally.bulk;

import io.tally.bulk.BulkItem.Forbidden;
import io.tally.bulk.BulkItem.Malformed;
import io.tally.bulk.BulkItem.StreamIncomplete;
import io.tally.bulk.BulkItem.Valid;
import io.tally.http.Int64Form;
import io.tally.http.ResponseJson;
import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
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

/**
 * Responses to bulk requests: a JSON array, or a stream with a line for each item.
 *
 * @param <R> the result of a valid item
 */
public final class BulkAnswers<R> {

    /**
     * The media types of bulk responses. The body decides: a stream gets lines, an array gets an array, even if {@code
     * Accept} lists only the other type. Some clients send one {@code Accept} for all requests.
     */
    public static final List<MediaType> TYPES = List.of(MediaType.APPLICATION_JSON, MediaType.APPLICATION_NDJSON);

    /** The approximate length of one item. */
    private static final int ITEM_BYTES = 40;

    private final Map<Int64Form, ObjectWriter> json = new EnumMap<>(Int64Form.class);
    private final BiConsumer<R, JsonGenerator> members;

    /** @param members writes a result as members of its item's JSON object */
    public BulkAnswers(ResponseJson json, BiConsumer<R, JsonGenerator> members) {
        for (Int64Form form : Int64Form.values()) {
            this.json.put(form, json.mapper(form).writer().withRootValueSeparator("\n"));
        }
        this.members = members;
    }

    /** Writes the problem of an item that was not applied. */
    public static void problem(ProblemDetail problem, JsonGenerator generator) {
        generator.writePOJOProperty("problem", problem);
    }

    /** A stream with a line for each item. */
    public Mono<ServerResponse> lines(Int64Form form, Flux<List<BulkItem<R>>> items) {
        return ServerResponse.ok()
                .contentType(MediaType.APPLICATION_NDJSON)
                .body(BodyInserters.fromDataBuffers(
                        items.map(block -> lines(form, block)).map(DefaultDataBufferFactory.sharedInstance::wrap)));
    }

    private byte[] lines(Int64Form form, List<BulkItem<R>> items) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(items.size() * ITEM_BYTES);
        try (JsonGenerator generator = generator(form, bytes)) {
            items.forEach(item -> write(item, generator));
            generator.writeRaw('\n');
        }
        return bytes.toByteArray();
    }

    /** A JSON array. */
    public byte[] array(Int64Form form, List<BulkItem<R>> items) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(items.size() * ITEM_BYTES);
        try (JsonGenerator generator = generator(form, bytes)) {
            generator.writeStartArray();
            items.forEach(item -> write(item, generator));
            generator.writeEndArray();
        }
        return bytes.toByteArray();
    }

    private JsonGenerator generator(Int64Form form, OutputStream bytes) {
        return Objects.requireNonNull(json.get(form)).createGenerator(bytes);
    }

    private void write(BulkItem<R> item, JsonGenerator generator) {
        generator.writeStartObject();
        switch (item) {
            case Valid<R> valid -> members.accept(valid.value(), generator);
            case Malformed<R> malformed -> problem(malformed.problem(), generator);
            case Forbidden<R> forbidden -> problem(forbidden.problem(), generator);
            case StreamIncomplete<R> end -> problem(end.problem(), generator);
        }
        generator.writeEndObject();
    }
}
