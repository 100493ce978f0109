package io.tally.watch;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.tally.counter.Counter;
import io.tally.counter.CounterId;
import io.tally.http.Bodies.CounterView;
import io.tally.watch.Changes.Seen;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.DefaultDataBufferFactory;
import tools.jackson.databind.json.JsonMapper;

/**
 * The state of a counter, which may be absent, with its event. The event is written once, and all streams share its
 * bytes. Two states are equal only if they are the same object.
 */
final class State {

    private static final DefaultDataBufferFactory BUFFERS = DefaultDataBufferFactory.sharedInstance;

    private final Seen seen;
    private final byte[] event;
    private final int idLength;

    private State(Seen seen, byte[] id, byte[] rest) {
        this.seen = seen;
        this.idLength = id.length;
        this.event = joined(id, rest, 0);
    }

    /** The state of a counter; {@code null} if it does not exist. */
    static State of(CounterId id, @Nullable Counter counter, JsonMapper json) {
        Seen seen = Seen.of(id, counter);
        String type = counter == null ? "event: deleted\n" : "";
        Object data = counter == null ? new DeletedView(id.namespace(), id.name()) : CounterView.of(counter);
        String rest = type + "data: " + json.writeValueAsString(data) + "\n\n";
        return new State(seen, idLine(Long.toString(seen.version())), rest.getBytes(UTF_8));
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
    DataBuffer event() {
        return BUFFERS.wrap(event);
    }

    /** The event with another id. */
    DataBuffer event(String id) {
        return BUFFERS.wrap(joined(idLine(id), event, idLength));
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
