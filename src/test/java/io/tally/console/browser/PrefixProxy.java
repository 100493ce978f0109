package io.tally.console.browser;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import java.net.ConnectException;
import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.netty.ByteBufFlux;
import reactor.netty.DisposableServer;
import reactor.netty.http.Http11SslContextSpec;
import reactor.netty.http.client.HttpClient;
import reactor.netty.http.client.HttpClientResponse;
import reactor.netty.http.server.HttpServer;
import reactor.netty.http.server.HttpServerRequest;
import reactor.netty.http.server.HttpServerResponse;
import reactor.netty.resources.ConnectionProvider;
import reactor.netty.tcp.SslProvider.GenericSslContextSpec;

/**
 * A reverse proxy with TLS that serves Tally under a prefix, as an ingress does: it removes the prefix and says so in
 * header fields. A request goes to the first instance that accepts a connection. Outside of the prefix is nothing.
 */
final class PrefixProxy implements AutoCloseable {

    /** Fields of one connection. */
    private static final Set<CharSequence> OF_THE_CONNECTION = Set.of(
            HttpHeaderNames.CONNECTION,
            HttpHeaderNames.CONTENT_LENGTH,
            HttpHeaderNames.HOST,
            HttpHeaderNames.TRANSFER_ENCODING);

    private final String prefix;
    private final List<URI> instances = new CopyOnWriteArrayList<>();
    private final List<String> strays = new CopyOnWriteArrayList<>();
    private final HttpClient client = HttpClient.create(ConnectionProvider.newConnection());
    private final DisposableServer server;

    /**
     * Starts it on a free port of the loopback interface.
     *
     * @param prefix such as {@code /ops/tally}
     */
    PrefixProxy(String prefix, Path certificate, Path key, URI... instances) {
        this.prefix = prefix;
        this.instances.addAll(List.of(instances));
        GenericSslContextSpec<?> tls = Http11SslContextSpec.forServer(certificate.toFile(), key.toFile());
        server = HttpServer.create()
                .host("127.0.0.1")
                .port(0)
                .secure(secured -> secured.sslContext(tls))
                .handle(this::handle)
                .bindNow();
    }

    /** Where it listens, without the prefix. */
    URI uri() {
        return URI.create("https://127.0.0.1:" + server.port());
    }

    /** Sends requests to another instance from now on. */
    void replace(URI instance, URI other) {
        instances.remove(instance);
        instances.add(other);
    }

    /** The requests outside of the prefix. */
    List<String> strays() {
        return List.copyOf(strays);
    }

    private Publisher<Void> handle(HttpServerRequest request, HttpServerResponse response) {
        String target = request.uri();
        if (!target.startsWith(prefix + "/")) {
            strays.add(request.method() + " " + target);
            return response.sendNotFound();
        }
        String rest = target.substring(prefix.length());
        return request.receive()
                .aggregate()
                .asByteArray()
                .defaultIfEmpty(new byte[0])
                .flatMapMany(body -> Flux.fromIterable(instances)
                        .concatMap(instance -> forward(request, instance + rest, body, response)
                                .then(Mono.just(true))
                                .onErrorResume(ConnectException.class, refused -> Mono.empty()))
                        .next()
                        .switchIfEmpty(
                                Mono.defer(() -> response.status(502).send().thenReturn(true)))
                        .then());
    }

    private Flux<Void> forward(HttpServerRequest request, String uri, byte[] body, HttpServerResponse response) {
        Consumer<HttpHeaders> fields = sent -> {
            copy(request.requestHeaders(), sent);
            sent.set("X-Forwarded-Prefix", prefix);
            sent.set("X-Forwarded-Proto", "https");
        };
        return client.headers(fields)
                .request(request.method())
                .uri(uri)
                .send(
                        body.length == 0
                                ? ByteBufFlux.fromInbound(Mono.empty())
                                : ByteBufFlux.fromInbound(Mono.just(body)))
                .response((answer, content) -> answer(answer, content, response));
    }

    private static Publisher<Void> answer(HttpClientResponse answer, ByteBufFlux content, HttpServerResponse response) {
        response.status(answer.status());
        copy(answer.responseHeaders(), response.responseHeaders());
        // An event of a stream goes on at once.
        return response.send(content.retain(), piece -> true);
    }

    private static void copy(HttpHeaders from, HttpHeaders to) {
        from.forEach(field -> {
            if (OF_THE_CONNECTION.stream().noneMatch(name -> name.toString().equalsIgnoreCase(field.getKey()))) {
                to.add(field.getKey(), field.getValue());
            }
        });
    }

    /** Breaks all connections off. */
    @Override
    public void close() {
        server.disposeNow();
    }
}
