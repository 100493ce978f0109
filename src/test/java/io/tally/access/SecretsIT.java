package io.tally.access;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import com.nimbusds.jose.jwk.RSAKey;
import io.tally.testing.ApiOperation;
import io.tally.testing.Clients;
import io.tally.testing.Database;
import io.tally.testing.Postgres;
import io.tally.testing.RawHttp;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyClient.Answer;
import io.tally.testing.TallyProcess;
import io.tally.testing.TraceCollector;
import io.tally.testing.WireProxy;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Credentials are in no log, trace, metric, problem, table, page of the Actuator, command line or environment, also
 * where the log is verbose, each request is traced, and the Actuator is open.
 */
@Timeout(300)
class SecretsIT {

    private static final String ROOT = "c0ffee-".repeat(6);

    /** What may be seen of a key: the prefix and the id, which is no secret. */
    private static final int ID_END = 17;

    private static final RSAKey SIGNING_KEY = Issuer.rsa("signing");

    private static final String LAST = "last-request-of-the-test";

    /** A list that a client reads for more than an hour, and one that only a defect causes. */
    private static final Set<Integer> NOT_TRIED = Set.of(410, 500);

    private final List<String> seen = new ArrayList<>();
    private final Set<Integer> statuses = new HashSet<>();
    private final Issuer issuer = Issuer.start(SIGNING_KEY.toPublicJWK());
    private final TraceCollector collector = TraceCollector.start();

    @AfterEach
    void stop() {
        collector.close();
        issuer.close();
    }

    private TallyProcess start(Database database, Path secrets) throws Exception {
        return TallyProcess.start(
                database,
                "--spring.config.import=configtree:" + secrets + "/",
                "--spring.profiles.active=tracing",
                "--management.tracing.sampling.probability=1.0",
                "--management.opentelemetry.tracing.export.schedule-delay=100ms",
                "--management.opentelemetry.tracing.export.otlp.endpoint=" + collector.url(),
                "--management.endpoints.access.default=read-only",
                "--management.endpoints.web.exposure.include=*",
                "--logging.level.root=debug",
                "--logging.level.io.tally=trace",
                "--tally.http.request-timeout=1s",
                "--tally.pipeline.wait-max=1s",
                "--tally.pipeline.outcome-max=1s",
                "--tally.database.connect-timeout=1s",
                "--tally.access.mode=keys,jwt",
                "--tally.access.jwt.issuer-uri=" + issuer.uri(),
                "--tally.access.jwt.audience=" + Issuer.AUDIENCE,
                "--tally.access.jwt.grants[0].subject=" + Issuer.SUBJECT,
                "--tally.access.jwt.grants[0].namespaces=shop",
                "--tally.access.jwt.grants[0].actions=read,write");
    }

    @Test
    void credentialsAreNowhere(@TempDir Path secrets) throws Exception {
        Files.writeString(secrets.resolve("tally.access.root-key"), ROOT + "\n");
        Database database = Postgres.shared().createDatabase();
        try (WireProxy proxy =
                        new WireProxy("127.0.0.1", URI.create(database.url()).getPort());
                TallyProcess process = start(proxy.through(database), secrets)) {
            TallyClient client = new TallyClient(process.uri());
            String key = secret(client, "/v1/keys", """
                    {"name":"secret","grants":[{"namespaces":["shop"],"actions":["write"]}],"perSecond":1000}""");
            String rotated = secret(client, "/v1/keys/" + KeyFormat.id(key) + "/rotation", "");
            String token = issuer.token(SIGNING_KEY, Instant.now());
            String expired = issuer.token(SIGNING_KEY, Instant.now().minusSeconds(3600));
            String foreign = issuer.token(Issuer.rsa("foreign"), Instant.now());
            String mistyped = key.substring(0, 20) + "x" + key.substring(21);
            List<String> credentials = List.of(key, rotated, ROOT, token, expired, foreign, mistyped, key + "x");
            credentials.forEach(each -> use(client, each));
            provoke(process.uri(), ROOT);

            assertThat(kept(client.send("DELETE", "/v1/keys/" + KeyFormat.id(key), "", bearer(ROOT)))
                            .status())
                    .isEqualTo(204);
            use(client, key);
            proxy.refuse();
            proxy.cutAll();
            credentials.forEach(each -> use(client, each));
            assertThat(statuses).contains(503);
            proxy.admit();
            Clients.await(
                    "the database",
                    Clients.PATIENCE,
                    () -> increment(client, ROOT).status() == 200);
            kept(client.get("/v1/counters/shop/" + LAST, bearer(ROOT)));

            Clients.await(
                    "the last trace",
                    Clients.PATIENCE,
                    () -> collector.received().stream().anyMatch(bytes -> bytes.contains(LAST)));
            actuator(new TallyClient(process.managementUri()));
            seen.add(processes(process));
            seen.add(database.queryString("select database_to_xml(true, false, '')::text"));
            process.stop();
            assertThat(process.log())
                    .anySatisfy(line -> assertThat(line).contains("root revoked the key secret"))
                    .anySatisfy(line -> assertThat(line).contains(" DEBUG ", "io.tally."));
            seen.addAll(process.log());
            seen.addAll(collector.received());

            assertThat(statuses).containsAll(described());
            List<String> needles = Stream.of(key, rotated, ROOT, token, expired, foreign, mistyped, key + "x")
                    .map(SecretsIT::needle)
                    .toList();
            assertThat(seen)
                    .filteredOn(text -> needles.stream().anyMatch(text::contains))
                    .isEmpty();
        }
    }

    /** The part that nothing else contains: the end of the secret of a key, the signature of a token. */
    private static String needle(String credentials) {
        if (credentials.startsWith(KeyFormat.PREFIX)) {
            return credentials.substring(ID_END + 4);
        }
        return credentials.substring(credentials.lastIndexOf('.') + 1);
    }

    private static Set<Integer> described() {
        Set<Integer> all = new HashSet<>();
        IntStream.range(400, 600)
                .filter(status -> ApiOperation.all().anyMatch(operation -> operation.has(status)))
                .filter(status -> !NOT_TRIED.contains(status))
                .forEach(all::add);
        return all;
    }

    private Answer kept(Answer answer) {
        statuses.add(answer.status());
        seen.add(answer.headers().map() + answer.body());
        return answer;
    }

    private static String[] bearer(String credentials, String... more) {
        return Stream.concat(Stream.of("Authorization", "Bearer " + credentials), Stream.of(more))
                .toArray(String[]::new);
    }

    /** A new secret of a key, which is shown this once. */
    private static String secret(TallyClient client, String path, String body) {
        Answer created = client.send("POST", path, body, bearer(ROOT));
        assertThat(created.status()).isEqualTo(201);
        return created.json().path("key").asString();
    }

    private Answer increment(TallyClient client, String credentials, String... more) {
        return kept(client.send("POST", "/v1/counters/shop/a/increments", "", bearer(credentials, more)));
    }

    /** On both ways, and where the route, the caller or the body refuses. */
    private void use(TallyClient client, String credentials) {
        String[] bearer = bearer(credentials);
        increment(client, credentials);
        increment(client, credentials, "If-None-Match", "\"\"");
        kept(client.send("POST", "/v1/counters/bank/a/increments", "", bearer));
        kept(client.send("POST", "/v1/counters/shop/a/increments", "{", bearer));
        kept(client.get("/v1/counters/shop/a", bearer));
        kept(client.get("/v1/nowhere", bearer));
        kept(client.send("POST", "/v1/keys", "{", bearer));
        kept(client.send("POST", "/v1/keys", "{}", bearer(credentials, "Idempotency-Key", "k")));
        kept(client.get("/v1/keys", bearer));
        kept(client.get("/v1/caller", bearer));
    }

    /** Every status of a problem. */
    private void provoke(URI server, String credentials) throws IOException {
        TallyClient client = new TallyClient(server, bearer(credentials));
        String limited = secret(client, "/v1/keys", """
                {"name":"limited","grants":[{"namespaces":["shop"],"actions":["write"]}],"perSecond":1}""");
        for (int i = 0; i < 3; i++) {
            increment(client, limited);
        }
        kept(client.put("shop/full", "{\"max\":0}"));
        kept(client.increment("shop/full", 1));
        kept(client.send("PATCH", "/v1/counters/shop/full", "{\"max\":1}"));
        kept(client.get("/v1/counters/shop/full", "If-Match", "\"99\""));
        kept(client.get("/v1/counters/shop/full", "Accept", "x/y"));
        kept(client.send("PUT", "/v1/keys", ""));
        kept(client.increment("shop/a", 1, "Idempotency-Key", "once"));
        kept(client.increment("shop/a", 2, "Idempotency-Key", "once"));
        kept(client.send("POST", "/v1/counters/shop/a/increments", "1", "Content-Type", "text/plain"));
        String head = "POST /v1/transactions HTTP/1.1\r\nHost: tally\r\nContent-Type: application/json\r\n"
                + "Authorization: Bearer " + credentials + "\r\n";
        String body = " ".repeat(300_000);
        for (String request : List.of(
                head + "Content-Length: " + body.length() + "\r\n\r\n" + body,
                head + "Content-Length: 10\r\n\r\n{",
                head + "Transfer-Encoding: gzip, chunked\r\n\r\n",
                head + "Host: another\r\n\r\n",
                head + "Authorization: Bearer " + credentials + "\r\n\r\n",
                head + "Wrong\u0000: " + credentials + "\r\n\r\n",
                head + "Many: " + "x".repeat(100_000) + "\r\n\r\n",
                head.replace("/v1/", "/v1/" + "x".repeat(100_000)) + "\r\n")) {
            RawHttp.Response refused = RawHttp.exchange(server, request);
            statuses.add(refused.status());
            seen.add(refused.headers() + refused.body());
        }
    }

    /** Everything that the Actuator shows, where an operator exposes all of it. */
    private void actuator(TallyClient management) {
        for (String page : List.of(
                "info",
                "env",
                "env/tally.access.root-key",
                "configprops",
                "conditions",
                "beans",
                "mappings",
                "loggers",
                "metrics",
                "prometheus")) {
            Answer shown = management.get("/actuator/" + page);
            assertThat(shown.status()).as(page).isEqualTo(200);
            seen.add(shown.body());
            if (page.equals("prometheus")) {
                assertThat(shown.body()).contains("tally_access_refused_total");
            }
        }
    }

    /** The command lines and the environments of all processes. */
    private static String processes(TallyProcess process) {
        StringBuilder lines = new StringBuilder();
        ProcessHandle.allProcesses().forEach(each -> {
            for (String file : List.of("cmdline", "environ")) {
                try {
                    lines.append(Files.readString(Path.of("/proc", Long.toString(each.pid()), file), ISO_8859_1));
                } catch (IOException ended) {
                    // The process has ended, or belongs to another user.
                }
            }
        });
        assertThat(lines).contains("--server.port=" + process.uri().getPort());
        return lines.toString();
    }
}
