package io.tally.testing;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A client of a live stream, which reads it on a thread of its own from the moment it is made. */
public final class EventStream implements AutoCloseable {

    private static final JsonMapper JSON = new JsonMapper();

    private final HttpClient http =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private final HttpResponse<InputStream> response;
    private final List<Event> events = new CopyOnWriteArrayList<>();
    private final AtomicInteger comments = new AtomicInteger();
    private final String target;
    private volatile @Nullable AssertionError violation;
    private volatile boolean ended;

    /** An event as it came. */
    public record Event(String id, String type, JsonNode data) {

        /** The counter's name. */
        public String name() {
            return data.path("name").asString("");
        }

        /** The counter's version. */
        public long version() {
            return data.path("version").asLong();
        }

        /** The counter's value. */
        public long value() {
            return data.path("value").asLong();
        }
    }

    /** Opens a stream. Headers as name, value, name, value. */
    public EventStream(URI server, String path, String... headers) {
        target = path;
        HttpRequest.Builder request =
                HttpRequest.newBuilder(server.resolve(path)).header("Accept", "text/event-stream");
        for (int i = 0; i < headers.length; i += 2) {
            request.setHeader(headers[i], headers[i + 1]);
        }
        try {
            HttpRequest sent = request.build();
            response = http.send(sent, BodyHandlers.ofInputStream());
            Contract.check(
                    server,
                    Exchange.of(
                            "GET",
                            sent.uri(),
                            sent.headers().map(),
                            "",
                            response.statusCode(),
                            response.headers().map(),
                            null));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
        Thread.ofVirtual().start(this::read);
    }

    private void read() {
        try (BufferedReader lines =
                new BufferedReader(new InputStreamReader(response.body(), StandardCharsets.UTF_8))) {
            List<String> fields = new ArrayList<>();
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                if (line.isEmpty()) {
                    keep(fields);
                    fields.clear();
                } else {
                    fields.add(line);
                }
            }
        } catch (IOException cut) {
            // As good as an end.
        } catch (AssertionError undescribed) {
            violation = undescribed;
        } finally {
            ended = true;
        }
    }

    private void keep(List<String> fields) {
        if (fields.equals(List.of(":"))) {
            comments.incrementAndGet();
            return;
        }
        String id = field(fields, "id");
        String data = field(fields, "data");
        String type = field(fields, "event");
        if (id == null || data == null || fields.size() != (type == null ? 2 : 3)) {
            throw new IllegalStateException("not an event of this service: " + fields);
        }
        Contract.checkEvent(target, response.headers().map(), Objects.requireNonNull(ContractStreams.event(fields)));
        events.add(new Event(id, type == null ? "message" : type, JSON.readTree(data)));
    }

    private static @Nullable String field(List<String> fields, String name) {
        return fields.stream()
                .filter(field -> field.startsWith(name + ": "))
                .map(field -> field.substring(name.length() + 2))
                .findFirst()
                .orElse(null);
    }

    /** The status of the answer. */
    public int status() {
        return response.statusCode();
    }

    /** A header field, or nothing. */
    public String header(String name) {
        return response.headers().firstValue(name).orElse("");
    }

    /**
     * The events so far.
     *
     * @throws AssertionError where the OpenAPI file does not describe one of them
     */
    public List<Event> events() {
        requireDescribed();
        return List.copyOf(events);
    }

    /** How many comments came so far. */
    public int comments() {
        return comments.get();
    }

    /** Whether the server, or this, has ended it. */
    public boolean isEnded() {
        return ended;
    }

    private void requireDescribed() {
        AssertionError found = violation;
        if (found != null) {
            throw found;
        }
    }

    /** Waits for so many events, and gives the last of them. */
    public Event await(int count) throws InterruptedException {
        Clients.await("event " + count, Clients.PATIENCE, () -> events().size() >= count);
        return events.get(count - 1);
    }

    /** Waits for an event at that version of the counter. */
    public Event awaitVersion(String name, long version) throws InterruptedException {
        Clients.await(name + " at version " + version, Clients.PATIENCE, () -> find(name, version) != null);
        Event found = find(name, version);
        if (found == null) {
            throw new IllegalStateException("events do not go away");
        }
        return found;
    }

    private @Nullable Event find(String name, long version) {
        requireDescribed();
        return events.stream()
                .filter(event -> event.name().equals(name) && event.version() == version)
                .findFirst()
                .orElse(null);
    }

    /** Waits for the server to end it. */
    public void awaitEnd() throws InterruptedException {
        Clients.await("the end", Clients.PATIENCE, () -> ended);
    }

    /** Goes away. */
    @Override
    public void close() {
        http.shutdownNow();
        requireDescribed();
    }
}
