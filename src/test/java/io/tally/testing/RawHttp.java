package io.tally.testing;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.net.SocketException;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A connection that sends arbitrary bytes, for requests that no correct client sends. In texts to be sent each
 * character is one byte.
 */
public final class RawHttp implements AutoCloseable {

    private static final JsonMapper JSON = new JsonMapper();
    private static final int PATIENCE_MILLIS = 30_000;

    private final Socket socket;
    private final InputStream in;
    private final URI server;
    private final RawRequests requests = new RawRequests();

    public RawHttp(URI server) throws IOException {
        this.server = server;
        socket = new Socket(server.getHost(), server.getPort());
        socket.setSoTimeout(PATIENCE_MILLIS);
        socket.setTcpNoDelay(true);
        in = new BufferedInputStream(socket.getInputStream());
    }

    /** An answer. */
    public record Response(int status, String version, Map<String, String> headers, String body) {

        public String header(String name) {
            return headers.getOrDefault(name, "");
        }

        public JsonNode json() {
            return JSON.readTree(body);
        }

        /** The last segment of a problem's type. */
        public String problem() {
            String type = json().path("type").asString("");
            return type.substring(type.lastIndexOf('/') + 1);
        }
    }

    /** Sends one request on a connection of its own, and reads one answer. */
    public static Response exchange(URI server, String request) throws IOException {
        try (RawHttp connection = new RawHttp(server)) {
            connection.send(request);
            return connection.read();
        }
    }

    public void send(String bytes) throws IOException {
        requests.sent(bytes);
        try {
            socket.getOutputStream().write(bytes.getBytes(ISO_8859_1));
        } catch (SocketException closed) {
            // The server may answer and close before it has read everything; the answer is still to be read.
        }
    }

    /** Sends; whether the server has not closed the connection. */
    public boolean isOpenAfter(String bytes) {
        requests.sent(bytes);
        try {
            socket.getOutputStream().write(bytes.getBytes(ISO_8859_1));
            return true;
        } catch (IOException closed) {
            return false;
        }
    }

    /** Sends nothing more. */
    public void sendEnd() throws IOException {
        socket.shutdownOutput();
    }

    /** The next answer, but for {@code 100 Continue}. */
    public Response read() throws IOException {
        Response head = readFields();
        Response whole = new Response(head.status(), head.version(), head.headers(), body(head.headers()));
        check(whole, whole.body());
        return whole;
    }

    /** The same without its body. */
    public Response readHead() throws IOException {
        Response head = readFields();
        check(head, null);
        return head;
    }

    /**
     * The next answer. Of a live stream its begin, until an event or a comment has come; the connection then has the
     * rest.
     */
    public Response readUntilEvent() throws IOException {
        Response head = readFields();
        boolean bodiless = head.status() == 204 || head.status() == 304;
        String body = head.header("Content-Type").startsWith("text/event-stream")
                ? event(head.headers())
                : bodiless ? "" : body(head.headers());
        Response begun = new Response(head.status(), head.version(), head.headers(), body);
        check(begun, begun.body());
        return begun;
    }

    private String event(Map<String, String> headers) throws IOException {
        boolean chunked = headers.containsKey("Transfer-Encoding");
        StringBuilder begin = new StringBuilder();
        while (begin.indexOf("\n\n") < 0) {
            String more = chunked ? readChunk() : readLine() + "\n";
            if (chunked && more.isEmpty()) {
                break;
            }
            begin.append(more);
        }
        String event = begin.substring(0, begin.lastIndexOf("\n\n") + 1);
        // Lines are read as bytes, since those of a head are.
        return chunked ? event : new String(event.getBytes(ISO_8859_1), UTF_8);
    }

    private void check(Response response, @Nullable String body) {
        RawRequests.Head request = requests.next();
        if (request != null) {
            Map<String, List<String>> fields = new TreeMap<>();
            response.headers().forEach((name, value) -> fields.put(name, List.of(value)));
            URI target = target(request.target());
            Contract.check(
                    server,
                    Exchange.of(
                            target == null ? "" : request.method(),
                            target == null ? server : target,
                            request.fields(),
                            request.body(),
                            response.status(),
                            fields,
                            body));
        }
    }

    private static @Nullable URI target(String text) {
        try {
            return new URI(text);
        } catch (URISyntaxException noTarget) {
            return null;
        }
    }

    private Response readFields() throws IOException {
        String[] statusLine = line().split(" ", 3);
        Map<String, String> headers = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
        for (String line = line(); !line.isEmpty(); line = line()) {
            int colon = line.indexOf(':');
            headers.put(line.substring(0, colon), line.substring(colon + 1).strip());
        }
        int status = Integer.parseInt(statusLine[1]);
        if (status == 100) {
            return readFields();
        }
        return new Response(status, statusLine[0], headers, "");
    }

    /** The next chunk of a body that comes in chunks. */
    public String readChunk() throws IOException {
        String chunk = new String(bytes(chunkSize()), UTF_8);
        line();
        return chunk;
    }

    private String body(Map<String, String> headers) throws IOException {
        if (headers.getOrDefault("Transfer-Encoding", "")
                .toLowerCase(Locale.ROOT)
                .equals("chunked")) {
            ByteArrayOutputStream body = new ByteArrayOutputStream();
            for (int size = chunkSize(); size > 0; size = chunkSize()) {
                body.write(bytes(size));
                line();
            }
            line();
            return body.toString(UTF_8);
        }
        if (!headers.containsKey("Content-Length")
                && headers.getOrDefault("Connection", "").equals("close")) {
            return readToEnd();
        }
        return new String(bytes(Integer.parseInt(headers.getOrDefault("Content-Length", "0"))), UTF_8);
    }

    private int chunkSize() throws IOException {
        return Integer.parseInt(line(), 16);
    }

    private byte[] bytes(int count) throws IOException {
        byte[] bytes = in.readNBytes(count);
        if (bytes.length < count) {
            throw new EOFException("closed after " + bytes.length + " bytes of " + count);
        }
        return bytes;
    }

    /** The next line of a body that does not come in chunks. */
    public String readLine() throws IOException {
        return line();
    }

    private String line() throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        for (int b = in.read(); b != '\n'; b = in.read()) {
            if (b < 0) {
                throw new EOFException("closed in a line: " + line.toString(ISO_8859_1));
            }
            line.write(b);
        }
        return line.toString(ISO_8859_1).stripTrailing();
    }

    /** Waits until the server closes; what it sends until then. */
    public String readToEnd() throws IOException {
        ByteArrayOutputStream rest = new ByteArrayOutputStream();
        try {
            in.transferTo(rest);
        } catch (SocketException reset) {
            // Closed with something left unread: as good as an end.
        }
        return rest.toString(UTF_8);
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
