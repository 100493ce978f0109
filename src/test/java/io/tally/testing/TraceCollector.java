package io.tally.testing;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/** An OpenTelemetry collector on the loopback interface that stores the body of every request. */
public final class TraceCollector implements AutoCloseable {

    private static final String PATH = "/v1/traces";

    private final Queue<String> received = new ConcurrentLinkedQueue<>();
    private final HttpServer server;

    private TraceCollector(HttpServer server) {
        this.server = server;
    }

    /** A collector on a free port. */
    public static TraceCollector start() {
        try {
            TraceCollector collector = new TraceCollector(
                    HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0));
            collector.listen();
            return collector;
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        }
    }

    private void listen() {
        server.createContext(PATH, exchange -> {
            received.add(new String(exchange.getRequestBody().readAllBytes(), ISO_8859_1));
            exchange.sendResponseHeaders(200, -1);
            exchange.close();
        });
        server.start();
    }

    /** The address for exporters. */
    public String url() {
        return "http://127.0.0.1:" + server.getAddress().getPort() + PATH;
    }

    /** The bodies so far, one character for each byte. */
    public Queue<String> received() {
        return received;
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
