package io.tally.watch;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.tally.counter.Counter;
import io.tally.counter.CounterId;
import io.tally.http.CounterBodies.CounterView;
import io.tally.http.Int64Form;
import io.tally.http.ResponseJson;
import io.tally.watch.Changes.Seen;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.DefaultDataBufferFactory;

/**
 * The state of a counter, which may be absent, with its event. The event is written once for each form of numbers, and
 * all streams of a form share its bytes. Two states are equal only if they are the same object. Safe for use by many
 * threads.
 */
final class State {

    private static final DefaultDataBufferFactory BUFFERS = DefaultDataBufferFactory.sharedInstance;

    private final Seen seen;
    private final Object view;
    private final ResponseJson json;
    private final int idLength;
    private final byte[] numbers;

    /** Written for the first stream that takes strings. */
    private volatile byte @Nullable [] strings;

    private State(Seen seen, Object view, ResponseJson json) {
        this.seen = seen;
        this.view = view;
        this.json = json;
        this.idLength = idLine(Long.toString(seen.version())).length;
        this.numbers = written(Int64Form.NUMBER);
    }

    /** The state of a counter; {@code null} if it does not exist. */
    static State of(CounterId id, @Nullable Counter counter, ResponseJson json) {
        return new State(
                Seen.of(id, counter),
                counter == null ? new DeletedView(id.namespace(), id.name()) : CounterView.of(counter),
                json);
    }

    /** The view of a deleted counter. */
    record DeletedView(String namespace, String name) {}

    Seen seen() {
        return seen;
    }

    /** The version; 0 if the counter does not exist. */
    long version() {
        return seen.version();
    }

    /** The event with the version as its id. */
    DataBuffer event(Int64Form form) {
        return BUFFERS.wrap(bytes(form));
    }

    /** The event with another id. */
    DataBuffer event(Int64Form form, String id) {
        return BUFFERS.wrap(joined(idLine(id), bytes(form), idLength));
    }

    private byte[] bytes(Int64Form form) {
        return switch (form) {
            case NUMBER -> numbers;
            case STRING -> strings();
        };
    }

    private byte[] strings() {
        byte[] known = strings;
        if (known == null) {
            // Two threads may both write it: the bytes are the same.
            known = written(Int64Form.STRING);
            strings = known;
        }
        return known;
    }

    private byte[] written(Int64Form form) {
        String type = view instanceof DeletedView ? "event: deleted\n" : "";
        String rest = type + "data: " + json.mapper(form).writeValueAsString(view) + "\n\n";
        return joined(idLine(Long.toString(seen.version())), rest.getBytes(UTF_8), 0);
    }

    private static byte[] idLine(String id) {
        return ("id: " + id + "\n").getBytes(UTF_8);
    }

    private static byte[] joined(byte[] first, byte[] second, int from) {
        return ByteBuffer.allocate(first.length + second.length - from)
                .put(first)
                .put(second, from, second.length - from)
                .array();
    }
}
