package io.tally.openapi;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.Arrays;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A proxy that swallows every fifth response: Tally has carried out the request, and the client sees its connection
 * close, in turn before the response and within its body. It listens on a free port of the loopback interface.
 */
final class SwallowingProxy implements AutoCloseable {

    private static final int SWALLOWED_EVERY = 5;
    private static final int PIECE_BYTES = 8 << 10;
    /** Header fields of one connection, and those that the client of the JDK sets. */
    private static final Set<String> OF_THE_CONNECTION = fields(
            "Connection", "Content-Length", "Host", "HTTP2-Settings", "Keep-Alive", "Transfer-Encoding", "Upgrade");

    static {
        // Without it, each response waits 40 ms for an acknowledgement.
        System.setProperty("sun.net.httpserver.nodelay", "true");
    }

    private final URI server;
    private final HttpClient http =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final AtomicInteger responses = new AtomicInteger();
    private final AtomicInteger swallowed = new AtomicInteger();
    private final HttpServer listener;

    SwallowingProxy(URI server) throws IOException {
        this.server = server;
        listener = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        listener.setExecutor(threads);
        listener.createContext("/", this::handle);
        listener.start();
    }

    private static Set<String> fields(String... names) {
        Set<String> fields = new TreeSet<>(String.CASE_INSENSITIVE_ORDER);
        fields.addAll(Arrays.asList(names));
        return fields;
    }

    /** Where it listens. */
    URI uri() {
        return URI.create("http://127.0.0.1:" + listener.getAddress().getPort());
    }

    /** How many responses the clients did not get, or got in part. */
    int swallowed() {
        return swallowed.get();
    }

    private void handle(HttpExchange exchange) throws IOException {
        try {
            HttpResponse<InputStream> response = http.send(request(exchange), BodyHandlers.ofInputStream());
            try (InputStream body = response.body()) {
                if (responses.incrementAndGet() % SWALLOWED_EVERY == 0) {
                    swallow(exchange, response);
                } else {
                    copyHead(exchange, response);
                    copy(body, exchange.getResponseBody());
                }
            }
            exchange.close();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private HttpRequest request(HttpExchange exchange) throws IOException {
        HttpRequest.Builder request = HttpRequest.newBuilder(server.resolve(exchange.getRequestURI()));
        exchange.getRequestHeaders().forEach((name, values) -> {
            if (!OF_THE_CONNECTION.contains(name)) {
                values.forEach(value -> request.header(name, value));
            }
        });
        byte[] body = exchange.getRequestBody().readAllBytes();
        return request.method(
                        exchange.getRequestMethod(),
                        body.length == 0 ? BodyPublishers.noBody() : BodyPublishers.ofByteArray(body))
                .build();
    }

    private void swallow(HttpExchange exchange, HttpResponse<InputStream> response) throws IOException {
        // A stream of events has no end: its first events are enough.
        boolean endless =
                response.headers().firstValue("Content-Type").orElse("").startsWith("text/event-stream");
        byte[] body = endless ? response.body().readNBytes(1) : response.body().readAllBytes();
        if (swallowed.incrementAndGet() % 2 == 0 && body.length > 0) {
            copyHead(exchange, response);
            exchange.getResponseBody().write(body, 0, (body.length + 1) / 2);
            exchange.getResponseBody().flush();
        }
        // With an exception, the server closes the connection. With a regular end, it would complete the response.
        throw new IOException("The response is swallowed.");
    }

    private static void copyHead(HttpExchange exchange, HttpResponse<InputStream> response) throws IOException {
        response.headers().map().forEach((name, values) -> {
            if (!OF_THE_CONNECTION.contains(name)) {
                exchange.getResponseHeaders().put(name, values);
            }
        });
        long length = response.headers().firstValueAsLong("Content-Length").orElse(0);
        boolean chunked = response.headers().firstValue("Transfer-Encoding").isPresent();
        exchange.sendResponseHeaders(response.statusCode(), length == 0 && !chunked ? -1 : length);
    }

    private static void copy(InputStream from, OutputStream to) throws IOException {
        byte[] piece = new byte[PIECE_BYTES];
        for (int read = from.read(piece); read >= 0; read = from.read(piece)) {
            to.write(piece, 0, read);
            to.flush();
        }
    }

    /** Breaks all connections off. */
    @Override
    public void close() {
        listener.stop(0);
        http.shutdownNow();
        threads.shutdownNow();
    }
}
