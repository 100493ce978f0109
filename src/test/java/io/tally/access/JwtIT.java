package io.tally.access;

import static org.assertj.core.api.Assertions.assertThat;

import com.nimbusds.jose.jwk.RSAKey;
import io.tally.testing.Certificates;
import io.tally.testing.Clients;
import io.tally.testing.Postgres;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyClient.Answer;
import io.tally.testing.TallyServer;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A service whose callers send tokens of an issuer, on both ways of an increment. */
@Timeout(300)
class JwtIT {

    private static final RSAKey OLD = Issuer.rsa("old");
    private static final RSAKey NEW = Issuer.rsa("new");

    /** Means the same as none, and takes a request through the dispatcher. */
    private static final String ROUTED = "application/json, */*";

    private static final List<String> WAYS = List.of("*/*", ROUTED);

    private final Issuer issuer = Issuer.start(OLD.toPublicJWK());
    private TallyServer server;
    private TallyClient client;

    @BeforeEach
    void start() throws Exception {
        server = start(issuer);
        client = new TallyClient(server.uri());
    }

    private static TallyServer start(Issuer issuer, String... more) throws Exception {
        List<String> settings = new ArrayList<>(List.of(
                "tally.access.mode",
                "jwt",
                "tally.access.jwt.issuer-uri",
                issuer.uri(),
                "tally.access.jwt.audience",
                Issuer.AUDIENCE,
                "tally.access.jwt.grants[0].subject",
                "system:serviceaccount:shop:*",
                "tally.access.jwt.grants[0].namespaces",
                "shop",
                "tally.access.jwt.grants[0].actions",
                "read,write"));
        settings.addAll(List.of(more));
        return TallyServer.start(Postgres.shared().createDatabase(), settings.toArray(String[]::new));
    }

    @AfterEach
    void stop() {
        server.close();
        issuer.close();
    }

    private String token(RSAKey key) {
        return issuer.token(key, Instant.now());
    }

    private Answer increment(String counter, String way, String token) {
        return client.increment(counter, 1, "Accept", way, "Authorization", "Bearer " + token);
    }

    @Test
    void admitsTheGrantedOnly() {
        String token = token(OLD);
        for (String way : WAYS) {
            assertThat(increment("shop/a", way, token).status()).isEqualTo(200);
            assertThat(increment("bank/a", way, token).status()).isEqualTo(403);
            assertThat(increment("shop/a", way, token(NEW)).status()).isEqualTo(401);
            assertThat(client.increment("shop/a", 1, "Accept", way).status()).isEqualTo(401);
        }
        assertThat(client.get("/v1/counters/shop/a", "Authorization", "Bearer " + token)
                        .json()
                        .path("value")
                        .asLong())
                .isEqualTo(2);
        Answer caller = client.get("/v1/caller", "Authorization", "bearer " + token);
        assertThat(caller.json().path("caller").asString()).isEqualTo("jwt:system:serviceaccount:shop:checkout");
        assertThat(caller.json().path("grants").path(0).path("namespaces").toString())
                .isEqualTo("[\"shop\"]");
    }

    @Test
    void followsARotationWhileRequestsArrive() throws Exception {
        assertThat(increment("shop/r", "*/*", token(OLD)).status()).isEqualTo(200);
        issuer.publish(OLD.toPublicJWK(), NEW.toPublicJWK());
        Clients.await(
                "the new key",
                Clients.PATIENCE,
                () -> increment("shop/r", "*/*", token(NEW)).status() == 200);
        for (String way : WAYS) {
            assertThat(increment("shop/r", way, token(NEW)).status()).isEqualTo(200);
            assertThat(increment("shop/r", way, token(OLD)).status()).isEqualTo(200);
        }
    }

    @Test
    void worksForKnownKeysWhileTheIssuerIsAway() throws Exception {
        String token = token(OLD);
        assertThat(increment("shop/w", "*/*", token).status()).isEqualTo(200);
        issuer.goAway();
        for (String way : WAYS) {
            assertThat(increment("shop/w", way, token).status()).isEqualTo(200);
            assertThat(increment("shop/w", way, token(OLD)).status()).isEqualTo(200);
            Clients.await(
                    "noticed",
                    Clients.PATIENCE,
                    () -> increment("shop/w", way, token(NEW)).status() == 503);
            Answer refused = increment("shop/w", way, token(NEW));
            assertThat(refused.problem()).isEqualTo("issuer-unavailable");
            assertThat(refused.header("Retry-After")).isEqualTo("1");
        }
    }

    @Test
    void startsWhileTheIssuerIsAway() throws Exception {
        issuer.goAway();
        try (TallyServer early = start(issuer)) {
            TallyClient callers = new TallyClient(early.uri());
            assertThat(callers.get("/readyz").status()).isEqualTo(200);
            String[] fields = {"Authorization", "Bearer " + token(OLD)};
            assertThat(callers.increment("shop/s", 1, fields).status()).isEqualTo(503);
            issuer.comeBack();
            Clients.await(
                    "found",
                    Clients.PATIENCE,
                    () -> callers.increment("shop/s", 1, fields).status() == 200);
        }
    }

    @Test
    void trustsTheAuthorityOfTheBundleOnly(@TempDir Path directory) throws Exception {
        Certificates certificates = new Certificates(directory);
        certificates.authority("ours");
        certificates.issue("issuer", "ours", "RSA", "-ext", "san=ip:127.0.0.1");
        try (Issuer encrypted = Issuer.startEncrypted(certificates.serving("issuer"), OLD.toPublicJWK())) {
            String[] fields = {"Authorization", "Bearer " + encrypted.token(OLD, Instant.now())};
            try (TallyServer distrustful = start(encrypted)) {
                assertThat(new TallyClient(distrustful.uri())
                                .increment("shop/e", 1, fields)
                                .problem())
                        .isEqualTo("issuer-unavailable");
            }
            try (TallyServer trusting = start(
                    encrypted,
                    "spring.ssl.bundle.pem.cluster.truststore.certificate",
                    certificates.certificateFile("ours").toUri().toString(),
                    "tally.access.jwt.ssl-bundle",
                    "cluster")) {
                assertThat(new TallyClient(trusting.uri())
                                .increment("shop/e", 1, fields)
                                .status())
                        .isEqualTo(200);
            }
        }
    }

    @Test
    void mutatedTokensAreUnauthenticated() {
        String token = token(OLD);
        Random random = new Random(21);
        for (int i = 0; i < 2_000; i++) {
            StringBuilder mutated = new StringBuilder(token);
            int at = random.nextInt(mutated.length());
            switch (i % 4) {
                case 0 -> mutated.deleteCharAt(at);
                case 1 -> mutated.insert(at, (char) ('!' + random.nextInt(94)));
                case 2 -> mutated.setLength(at);
                default -> mutated.setCharAt(at, (char) ('!' + random.nextInt(94)));
            }
            if (!mutated.toString().contentEquals(token)) {
                Answer answer = increment("shop/m", WAYS.get(i / 4 % 2), mutated.toString());
                assertThat(answer.status()).as(mutated.toString()).isIn(400, 401);
            }
        }
        assertThat(increment("shop/m", "*/*", token).json().path("value").asLong())
                .isEqualTo(1);
    }
}
