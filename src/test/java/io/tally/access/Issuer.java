package io.tally.access;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.JWSSigner;
import com.nimbusds.jose.crypto.ECDSASigner;
import com.nimbusds.jose.crypto.RSASSASigner;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.RSAKey;
import com.nimbusds.jose.jwk.gen.ECKeyGenerator;
import com.nimbusds.jose.jwk.gen.RSAKeyGenerator;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Date;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/** An issuer of tokens on the loopback interface, which rotates its keys and goes away. */
final class Issuer implements AutoCloseable {

    static final String AUDIENCE = "tally";
    static final String SUBJECT = "system:serviceaccount:shop:checkout";

    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final AtomicInteger loads = new AtomicInteger();
    private final int port;
    private final @Nullable SSLContext encryption;
    private HttpServer server;
    private volatile @Nullable String authorization;
    private volatile List<JWK> keys;
    private volatile String configuration;
    private volatile int status = 200;
    private volatile CountDownLatch released = new CountDownLatch(0);

    private Issuer(@Nullable SSLContext encryption, List<JWK> keys) throws IOException {
        this.encryption = encryption;
        server = listen(0);
        port = server.getAddress().getPort();
        this.keys = keys;
        configuration = "{\"issuer\":\"" + uri() + "\",\"jwks_uri\":\"" + jwkSetUri() + "\"}";
    }

    /** An issuer with these keys. */
    static Issuer start(JWK... keys) {
        try {
            return new Issuer(null, List.of(keys));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** An issuer at an https address. */
    static Issuer startEncrypted(SSLContext encryption, JWK... keys) throws IOException {
        return new Issuer(encryption, List.of(keys));
    }

    private HttpServer create(InetSocketAddress address) throws IOException {
        if (encryption == null) {
            return HttpServer.create(address, 0);
        }
        HttpsServer encrypted = HttpsServer.create(address, 0);
        encrypted.setHttpsConfigurator(new HttpsConfigurator(encryption));
        return encrypted;
    }

    private HttpServer listen(int port) throws IOException {
        HttpServer listening = create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
        listening.createContext("/.well-known/openid-configuration", exchange -> answer(exchange, configuration));
        listening.createContext("/keys", exchange -> {
            loads.incrementAndGet();
            answer(exchange, new JWKSet(keys).toString());
        });
        listening.setExecutor(threads);
        listening.start();
        return listening;
    }

    private void answer(HttpExchange exchange, String body) throws IOException {
        try (exchange) {
            authorization = exchange.getRequestHeaders().getFirst("Authorization");
            released.await();
            byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
            exchange.getResponseHeaders().set("Content-Type", "application/json");
            exchange.getResponseHeaders().set("Location", "/keys");
            exchange.sendResponseHeaders(status, bytes.length);
            exchange.getResponseBody().write(bytes);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    String uri() {
        return (encryption == null ? "http" : "https") + "://127.0.0.1:" + port;
    }

    String jwkSetUri() {
        return uri() + "/keys";
    }

    /** How often its keys were loaded. */
    int loads() {
        return loads.get();
    }

    /** The credentials of the last request; {@code null} if it had none. */
    @Nullable
    String authorization() {
        return authorization;
    }

    /** Replaces the published keys. */
    void publish(JWK... published) {
        keys = List.of(published);
    }

    /** Replaces the discovery document. */
    void describe(String document) {
        configuration = document;
    }

    /** Replaces the status of every response. */
    void answerWith(int other) {
        status = other;
    }

    /** Accepts requests and answers none until it is released. */
    void hang() {
        released = new CountDownLatch(1);
    }

    void release() {
        released.countDown();
    }

    /** Refuses connections. */
    void goAway() {
        server.stop(0);
    }

    /** Listens again, at the same address. */
    void comeBack() {
        try {
            server = listen(port);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        release();
        server.stop(0);
        threads.close();
    }

    static RSAKey rsa(String id) {
        try {
            return new RSAKeyGenerator(2048).keyID(id).generate();
        } catch (JOSEException e) {
            throw new IllegalStateException(e);
        }
    }

    static ECKey ec(String id) {
        try {
            return new ECKeyGenerator(Curve.P_256).keyID(id).generate();
        } catch (JOSEException e) {
            throw new IllegalStateException(e);
        }
    }

    /** A token that is valid at a time, and for ten minutes. */
    String token(RSAKey key, Instant now) {
        return token(key, now, claims -> {});
    }

    /** Such a token with other claims. */
    String token(RSAKey key, Instant now, Consumer<JWTClaimsSet.Builder> change) {
        return sign(
                new JWSHeader.Builder(JWSAlgorithm.RS256).keyID(key.getKeyID()).build(),
                signer(key),
                claims(now, change));
    }

    /** The claims of a token that is valid at a time, and for ten minutes. */
    JWTClaimsSet claims(Instant now, Consumer<JWTClaimsSet.Builder> change) {
        JWTClaimsSet.Builder claims = new JWTClaimsSet.Builder()
                .issuer(uri())
                .audience(AUDIENCE)
                .subject(SUBJECT)
                .issueTime(Date.from(now))
                .notBeforeTime(Date.from(now))
                .expirationTime(Date.from(now.plusSeconds(600)));
        change.accept(claims);
        return claims.build();
    }

    static JWSSigner signer(RSAKey key) {
        try {
            return new RSASSASigner(key);
        } catch (JOSEException e) {
            throw new IllegalStateException(e);
        }
    }

    static JWSSigner signer(ECKey key) {
        try {
            return new ECDSASigner(key);
        } catch (JOSEException e) {
            throw new IllegalStateException(e);
        }
    }

    static String sign(JWSHeader header, JWSSigner signer, JWTClaimsSet claims) {
        try {
            SignedJWT token = new SignedJWT(header, claims);
            token.sign(signer);
            return token.serialize();
        } catch (JOSEException e) {
            throw new IllegalStateException(e);
        }
    }
}
