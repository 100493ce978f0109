package io.tally.access;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import io.tally.testing.Database;
import io.tally.testing.Postgres;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Requests that seem to be for one resource and are for another one. */
@Timeout(120)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class BypassIT {

    private static final String ROOT = "root".repeat(8);

    private TallyServer plain;

    /** As operators configure it behind a proxy: Spring makes the URI from header fields. */
    private TallyServer forwarded;

    private String key = "";

    @BeforeAll
    void start() throws Exception {
        Database database = Postgres.shared().createDatabase();
        plain = start(database, "spring.main.cloud-platform", "kubernetes");
        forwarded = start(database, "server.forward-headers-strategy", "framework");
        key = new TallyClient(plain.uri(), "Authorization", "Bearer " + ROOT)
                .send(
                        "POST",
                        "/v1/keys",
                        "{\"name\":\"a\",\"grants\":[{\"namespaces\":[\"shop\",\"shop-*\"],\"actions\":[\"write\"]}]}")
                .json()
                .path("key")
                .asString();
    }

    private static TallyServer start(Database database, String setting, String value) {
        return TallyServer.start(database, "tally.access.mode", "keys", "tally.access.root-key", ROOT, setting, value);
    }

    @AfterAll
    void stop() {
        plain.close();
        forwarded.close();
    }

    /** A response as it comes: some of these requests are for no operation of the OpenAPI file. */
    private record Reply(int status, String body) {}

    private static Reply send(TallyServer server, String method, String target, String fields) throws IOException {
        try (Socket socket =
                new Socket(InetAddress.getLoopbackAddress(), server.uri().getPort())) {
            socket.getOutputStream()
                    .write((method + " " + target + " HTTP/1.1\r\nHost: tally\r\nConnection: close\r\n" + fields
                                    + "\r\n")
                            .getBytes(ISO_8859_1));
            String reply = new String(socket.getInputStream().readAllBytes(), ISO_8859_1);
            return new Reply(Integer.parseInt(reply.substring(9, 12)), reply.substring(reply.indexOf("\r\n\r\n")));
        }
    }

    /** No request of these may reach a route that needs credentials. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "//v1/keys",
                "/v1//keys",
                "/V1/keys",
                "/v1/keys/",
                "/docs/../v1/keys",
                "/docs/%2e%2e/v1/keys",
                "/docs/..;/v1/keys",
                "/docs/..%2fv1%2fkeys",
                "/docs//v1/keys",
                "/docs/v1/keys",
                "/console/../v1/keys",
                "/console/%2e%2e/v1/keys",
                "/console/..%2fv1%2fkeys",
                "/console/v1/keys",
                "/console;x/v1/keys",
                "/problems/../v1/keys",
                "/problems/%2e%2e%2fv1%2fkeys",
                "/livez/../v1/keys",
                "/livez;x/../v1/keys",
                "/livez%2f..%2fv1/keys",
                "/livez/",
                "http://tally/v1/keys",
                "http://livez/v1/keys",
                "?/docs/",
                "v1/keys",
                "*"
            })
    void otherFormsOfAPathReachNothing(String target) throws IOException {
        for (TallyServer server : new TallyServer[] {plain, forwarded}) {
            for (String method : new String[] {"GET", "POST", "DELETE"}) {
                for (String fields : new String[] {"", "X-HTTP-Method-Override: GET\r\n"}) {
                    Reply response = send(server, method, target, fields);
                    assertThat(response.status()).as(method).isIn(400, 401, 404, 405);
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "X-Forwarded-Host: tally/v1/keys#",
                "X-Forwarded-Host: tally/v1/keys?limit=",
                "X-Forwarded-Proto: http://tally/v1/keys#",
                "Forwarded: host=\"tally/v1/keys#\"",
                "Forwarded: host=\"tally/v1/keys?limit=\"",
                "X-Forwarded-Prefix: /docs",
                "X-Forwarded-Prefix: /v1/keys;",
                "X-Forwarded-Prefix: /v1/keys%3f",
                "X-Forwarded-Prefix: //"
            })
    void forwardingFieldsReachNothing(String field) throws IOException {
        for (String target : new String[] {"/livez", "/docs", "/docs/v1/keys", "/console/", "/openapi.json"}) {
            for (TallyServer server : new TallyServer[] {plain, forwarded}) {
                assertThat(send(server, "GET", target, field + "\r\n").body())
                        .doesNotContain(String.valueOf(KeyFormat.id(key)));
                assertThat(send(server, "POST", target, field + "\r\n").status())
                        .isIn(400, 401, 404, 405);
            }
        }
    }

    /** Spring Boot would use them on Kubernetes. */
    @ParameterizedTest
    @ValueSource(strings = {"/v1/keys?", "/v1/keys#", "?", "//", "x", "/%"})
    void forwardingFieldsAreIgnored(String prefix) throws IOException {
        String field = "X-Forwarded-Prefix: " + prefix + "\r\n";
        assertThat(send(plain, "GET", "/livez", field).status()).isEqualTo(200);
        assertThat(send(plain, "GET", "/v1/keys", field).status()).isEqualTo(401);
    }

    @Test
    void publicPathsAreFoundInEachFormOfATarget() throws IOException {
        for (String target : new String[] {"http://tally/livez", "/livez?", "/docs?utm=x", "http://tally/docs"}) {
            assertThat(send(plain, "GET", target, "").status()).as(target).isEqualTo(200);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "/v1/counters/bank/a/increments, 403",
        "/v1/counters/bank%2Fx/a/increments, 403",
        "/v1/counters/shop%2F..%2Fbank/a/increments, 403",
        "/v1/counters/bank/..%2f..%2fshop/increments, 403",
        "/v1/counters/ban%6b/a/increments, 403",
        "/v1/counters/SHOP/a/increments, 403",
        "/v1/counters/shop;x/a/increments, 403",
        "/v1/counters/shop%00/a/increments, 403",
        "/v1/counters/%2A/a/increments, 403",
        "/v1/counters/*/a/increments, 403",
        "/v1/counters/shop-%2A/a/increments, 400",
        "/v1/counters/shop-%2Fbank/a/increments, 400",
        "/v1/counters/shop/../bank/a/increments, 404",
        "/v1/counters/shop/%2e%2e/bank/a/increments, 404",
        "//v1/counters/bank/a/increments, 404",
        "http://shop/v1/counters/bank/a/increments, 403",
        "http://bank/v1/counters/shop/a/increments, 200",
        "/v1/counters/sho%70/a/increments, 200",
        "/v1/counters/shop-/a/increments, 200"
    })
    void namespaceIsTheOneOfTheRoute(String target, int status) throws IOException {
        Reply response = send(plain, "POST", target, "Authorization: Bearer " + key + "\r\n");
        assertThat(response.status()).isEqualTo(status);
    }
}
