package io.tally.http.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tally.testing.Certificates;
import io.tally.testing.Clients;
import io.tally.testing.Postgres;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLHandshakeException;
import javax.net.ssl.SSLSession;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.json.JsonMapper;

/** TLS on the ports, by the SSL bundles of Spring Boot. */
@Timeout(120)
class EncryptedPortsIT {

    /** Means the same as none, and takes a request through the dispatcher. */
    private static final String ROUTED = "application/json, */*";

    private static final String INCREMENTS = "/v1/counters/sealed/port/increments";

    @TempDir
    private static Path directory;

    private static Certificates certificates;

    @BeforeAll
    static void issue() throws Exception {
        certificates = new Certificates(directory);
        certificates.authority("ours");
        certificates.authority("others");
        certificates.issue("port", "ours", "RSA", "-ext", "san=ip:127.0.0.1");
        certificates.issue("renewed", "ours", "RSA", "-ext", "san=ip:127.0.0.1");
    }

    private static TallyServer start(String... more) throws Exception {
        List<String> settings = new ArrayList<>(List.of(
                "spring.ssl.bundle.pem.tally.keystore.certificate",
                certificates.certificateFile("port").toUri().toString(),
                "spring.ssl.bundle.pem.tally.keystore.private-key",
                certificates.keyFile("port").toUri().toString(),
                "server.ssl.bundle",
                "tally"));
        settings.addAll(List.of(more));
        return TallyServer.start(Postgres.shared().createDatabase(), settings.toArray(String[]::new));
    }

    /** A client with connections of its own. */
    private static HttpClient client(String trusted) throws Exception {
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(certificates.trusting(trusted));
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, trust.getTrustManagers(), null);
        return HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .sslContext(context)
                .build();
    }

    private static URI encrypted(URI uri) {
        return URI.create("https://127.0.0.1:" + uri.getPort());
    }

    private static HttpResponse<String> increment(HttpClient client, TallyServer server, String way)
            throws IOException, InterruptedException {
        return client.send(
                HttpRequest.newBuilder(encrypted(server.uri()).resolve(INCREMENTS))
                        .header("Accept", way)
                        .header("Content-Type", "application/json")
                        .POST(BodyPublishers.ofString("{\"delta\":2}"))
                        .build(),
                BodyHandlers.ofString());
    }

    private static String name(HttpResponse<String> response) {
        SSLSession session = response.sslSession().orElseThrow();
        try {
            return ((X509Certificate) session.getPeerCertificates()[0])
                    .getSubjectX500Principal()
                    .getName();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void bothWaysOfAnIncrementAnswerOverTls() throws Exception {
        try (TallyServer server = start();
                HttpClient client = client("ours")) {
            long value = 0;
            for (String way : List.of("*/*", ROUTED, "*/*", ROUTED)) {
                HttpResponse<String> response = increment(client, server, way);
                assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
                value += 2;
                assertThat(new JsonMapper()
                                .readTree(response.body())
                                .path("value")
                                .asLong())
                        .isEqualTo(value);
                assertThat(response.sslSession().orElseThrow().getProtocol()).isEqualTo("TLSv1.3");
            }
            HttpResponse<String> stream = client.send(
                    HttpRequest.newBuilder(encrypted(server.uri()).resolve("/v1/increments"))
                            .header("Content-Type", "application/x-ndjson")
                            .POST(BodyPublishers.ofString(
                                    "{\"namespace\":\"sealed\",\"name\":\"port\",\"delta\":1}\n".repeat(1_000)))
                            .build(),
                    BodyHandlers.ofString());
            assertThat(stream.statusCode()).isEqualTo(200);
            HttpResponse<String> last = increment(client, server, "*/*");
            assertThat(last.body()).contains("\"value\":1010");
        }
    }

    @Test
    void neitherAnotherAuthorityNorPlainHttpIsAnswered() throws Exception {
        try (TallyServer server = start();
                HttpClient stranger = client("others");
                HttpClient client = client("ours");
                Socket plain = new Socket(
                        InetAddress.getLoopbackAddress(), server.uri().getPort())) {
            assertThatThrownBy(() -> increment(stranger, server, "*/*")).isInstanceOf(SSLHandshakeException.class);
            plain.getOutputStream()
                    .write(("POST " + INCREMENTS + " HTTP/1.1\r\nHost: tally\r\nContent-Length: 0\r\n\r\n")
                            .getBytes(StandardCharsets.US_ASCII));
            assertThat(new String(plain.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1))
                    .doesNotContain("HTTP/1.1");
            assertThat(increment(client, server, "*/*").body()).contains("\"value\":2");
        }
    }

    @Test
    void theManagementPortUsesTheSameBundleOrItsOwnOrNone() throws Exception {
        try (TallyServer server = start("management.server.ssl.enabled", "false")) {
            assertThat(new TallyClient(server.managementUri())
                            .get("/actuator/health")
                            .status())
                    .isEqualTo(200);
        }
        try (TallyServer server = start()) {
            assertThat(name(health(server))).isEqualTo("CN=port");
        }
        String own = "spring.ssl.bundle.pem.own.keystore.";
        try (TallyServer server = start(
                own + "certificate",
                certificates.certificateFile("renewed").toUri().toString(),
                own + "private-key",
                certificates.keyFile("renewed").toUri().toString(),
                "management.server.ssl.bundle",
                "own")) {
            assertThat(name(health(server))).isEqualTo("CN=renewed");
        }
    }

    private static HttpResponse<String> health(TallyServer server) throws Exception {
        try (HttpClient client = client("ours")) {
            HttpResponse<String> health = client.send(
                    HttpRequest.newBuilder(encrypted(server.managementUri()).resolve("/actuator/health"))
                            .build(),
                    BodyHandlers.ofString());
            assertThat(health.statusCode()).isEqualTo(200);
            return health;
        }
    }

    @Test
    void renewedCertificatesAreTakenWithoutARestart() throws Exception {
        try (TallyServer server = start(
                        "spring.ssl.bundle.pem.tally.reload-on-update",
                        "true",
                        "spring.ssl.bundle.watch.file.quiet-period",
                        "100ms");
                HttpClient client = client("ours")) {
            assertThat(name(increment(client, server, "*/*"))).isEqualTo("CN=port");
            Files.writeString(directory.resolve("port.key"), certificates.key("renewed"));
            Files.writeString(directory.resolve("port.crt"), certificates.certificate("renewed"));
            Clients.await("the renewed certificate", Clients.PATIENCE, () -> {
                try (HttpClient another = client("ours")) {
                    return name(increment(another, server, "*/*")).equals("CN=renewed");
                } catch (Exception e) {
                    throw new IllegalStateException(e);
                }
            });
            assertThat(increment(client, server, ROUTED).statusCode())
                    .as("on the connection of before")
                    .isEqualTo(200);
        }
    }
}
