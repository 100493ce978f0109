package io.tally.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.testing.Clients;
import io.tally.testing.Postgres;
import io.tally.testing.RawHttp;
import io.tally.testing.RawHttp.Response;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyServer;
import java.io.IOException;
import java.sql.SQLException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The bytes of arrays that are held at once. */
@Timeout(60)
class BufferedBodiesIT {

    private static final int LENGTH = 200_000;
    private static final String FIRST = "{\"namespace\":\"held\",\"name\":\"first\",\"delta\":1}";

    private static TallyServer server;
    private static TallyClient client;

    @BeforeAll
    static void start() throws SQLException {
        server = TallyServer.start(Postgres.shared().createDatabase(), "tally.http.arrays-bytes-max", "300KB");
        client = new TallyClient(server.uri());
    }

    @AfterAll
    static void stop() {
        client.requireBalancedBooks();
        server.close();
    }

    @AfterEach
    void everythingIsReleased() throws Exception {
        Clients.await("released", Clients.PATIENCE, () -> held() == 0);
    }

    private static long held() {
        return server.bean(BufferedBodies.class).heldBytes();
    }

    private static String head(String path) {
        return "POST " + path + " HTTP/1.1\r\nHost: tally\r\nContent-Type: application/json\r\nContent-Length: "
                + LENGTH + "\r\n\r\n";
    }

    private static String body(String path, String increment) {
        String json = switch (path) {
            case "/v1/increments" -> "[" + increment + "]";
            case "/v1/transactions" -> "{\"increments\":[" + increment + "]}";
            default -> "[\"red\"]";
        };
        return " ".repeat(LENGTH - json.length()) + json;
    }

    @ParameterizedTest
    @CsvSource({
        "/v1/increments, /v1/increments",
        "/v1/increments, /v1/names/held",
        "/v1/names/held, /v1/transactions",
        "/v1/transactions, /v1/increments"
    })
    void moreThanTheBoundIsOverloaded(String heldPath, String path) throws Exception {
        String heldBody = body(heldPath, FIRST);
        String refused = FIRST.replace("first", "refused");
        try (RawHttp holding = new RawHttp(server.uri())) {
            holding.send(head(heldPath) + heldBody.substring(0, LENGTH - 1));
            Clients.await("held", Clients.PATIENCE, () -> held() == LENGTH - 1);
            Response answer = RawHttp.exchange(server.uri(), head(path) + body(path, refused));
            assertThat(answer.status()).isEqualTo(503);
            assertThat(answer.problem()).isEqualTo("overloaded");
            assertThat(answer.header("Retry-After")).isEqualTo("1");
            assertThat(client.increment("held/other", 1).status()).isEqualTo(200);

            holding.send(heldBody.substring(LENGTH - 1));
            assertThat(holding.read().status()).isEqualTo(200);
        }
        assertThat(client.get("/v1/counters/held/refused").status()).isEqualTo(404);
        String taken = FIRST.replace("first", "taken");
        assertThat(RawHttp.exchange(server.uri(), head(path) + body(path, taken))
                        .status())
                .isEqualTo(200);
    }

    @Test
    void oneArrayAloneIsRead() throws Exception {
        String json = "[" + " ".repeat(900_000) + FIRST + "]";
        Response answer =
                RawHttp.exchange(server.uri(), head("/v1/increments").replace("" + LENGTH, "" + json.length()) + json);
        assertThat(answer.status()).isEqualTo(200);
    }

    /** A client that goes away holds nothing. */
    @ParameterizedTest
    @CsvSource({"/v1/increments", "/v1/names/held", "/v1/transactions"})
    void whatIsBrokenOffIsReleased(String path) throws IOException {
        for (int i = 0; i < 3; i++) {
            try (RawHttp leaving = new RawHttp(server.uri())) {
                leaving.send(head(path) + " ".repeat(LENGTH - 1));
            }
        }
    }
}
