package io.tally.openapi;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.testing.Contract;
import io.tally.testing.Database;
import io.tally.testing.Postgres;
import io.tally.testing.RawHttp;
import io.tally.testing.RawHttp.Response;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyServer;
import io.tally.testing.Yaml;
import java.io.IOException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import net.jqwik.api.AfterFailureMode;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.Tag;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.lifecycle.AfterProperty;
import net.jqwik.api.lifecycle.PerProperty;
import net.jqwik.api.statistics.Statistics;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Requests generated from the OpenAPI file, allowed ones and broken ones: each response is one of the file and none is
 * 500; an allowed request is not malformed; a client error and a read change nothing; and the books balance.
 *
 * <p>jqwik prints the seed, and the counts of operations and statuses. After a failure it tries the same seed again.
 */
@Tag("one-shard") // Its transactions name any namespaces.
class ConformanceIT {

    /** The maximum of a line of a request's head, of which Netty allows a little more. */
    private static final int LINE_MAX = 4_000;

    /** Statuses of requests that the file does not allow, and of defects. */
    private static final Set<Integer> NOT_OF_ALLOWED = Set.of(400, 405, 406, 408, 414, 415, 431, 500, 501);

    /** What the API can change, except what changes later than the response, or with the time. */
    private static final String STATE = """
            select concat_ws(' ',
              (select concat_ws(' ', count(*), sum(value) filter (where period is null),
                sum(version) filter (where period is null), sum(initial), sum(min), sum(max),
                sum(hashtext(kind || namespace || '/' || name || coalesce(period, ''))))
                from counter where expires_at is null),
              (select count(*) from member),
              (select count(*) from name),
              (select concat_ws(' ', count(*), count(executed_at)) from token),
              (select count(*) from idempotency_key),
              (select count(*) from job),
              (select concat_ws(' ', count(*), count(revoked_at), count(previous_hash)) from access_key),
              (select generation from access_generation),
              (select count(*) from lab_run))
            """;

    private static final String ROOT_KEY = "root-".repeat(8);

    private static final Learned LEARNED = new Learned();

    /** Operations with a successful response. */
    private static final Set<String> SUCCEEDED = new HashSet<>();

    /** The tables after the last request; empty before the first. */
    private static String state = "";

    private static @Nullable RawHttp http;

    /** An instance with its own database, which the first request starts. */
    private static final class Instance {

        private static final Instance ONE = new Instance();

        private final TallyServer server;
        private final Connection connection;
        private final RequestArbitraries arbitraries;

        private Instance() {
            try {
                Database database = Postgres.shared().createDatabase();
                server = TallyServer.start(
                        database,
                        "tally.access.mode",
                        "keys",
                        "tally.access.root-key",
                        ROOT_KEY,
                        "tally.lab.enabled",
                        "true",
                        "tally.lab.workers-max",
                        "2",
                        "tally.lab.increments-max",
                        "20",
                        "tally.lab.counters-max",
                        "3",
                        "tally.watch.heartbeat",
                        "100ms",
                        "tally.http.request-timeout",
                        "2s");
                connection = database.connect();
            } catch (SQLException failed) {
                throw new IllegalStateException(failed);
            }
            ObjectNode file = (ObjectNode) Yaml.read(Contract.FILE).getFirst();
            lower(file, "workers", 2);
            lower(file, "increments", 20);
            lower(file, "counters", 3);
            arbitraries = new RequestArbitraries(file, "Bearer " + ROOT_KEY);
        }

        /** The file has the highest maxima that the settings allow. */
        private static void lower(ObjectNode file, String member, int max) {
            ObjectNode members = (ObjectNode) file.at("/components/schemas/LabExperiment/properties");
            JsonNode schema = members.path(member);
            // A component also describes other members.
            ObjectNode own = (ObjectNode)
                    (schema.has("$ref") ? file.at(schema.path("$ref").asString().substring(1)) : schema);
            members.set(member, own.deepCopy().put("maximum", max));
        }

        private String state() throws SQLException {
            try (PreparedStatement statement = connection.prepareStatement(STATE);
                    ResultSet row = statement.executeQuery()) {
                row.next();
                return List.of(row.getString(1)).toString();
            }
        }
    }

    @AfterContainer
    static void stop() throws Exception {
        Instance.ONE.connection.close();
        Instance.ONE.server.close();
    }

    @AfterProperty
    void booksBalance() {
        TallyClient client = new TallyClient(Instance.ONE.server.uri(), "Authorization", "Bearer " + ROOT_KEY);
        client.requireBalancedBooks();
        assertThat(client.get("/readyz").status()).isEqualTo(200);
    }

    @Provide
    Arbitrary<FuzzedRequest> requests() {
        return Instance.ONE.arbitraries.requests();
    }

    @Property(tries = 500, edgeCases = EdgeCasesMode.NONE, afterFailure = AfterFailureMode.PREVIOUS_SEED)
    void requestsGetWhatTheFileDescribes(@ForAll("requests") FuzzedRequest request) throws Exception {
        check(request);
    }

    /** Requires that no operation is left out. */
    static final class EachOperationSucceeds implements PerProperty.Lifecycle {

        @Override
        public void onSuccess() {
            assertThat(SUCCEEDED)
                    .containsAll(Contract.shared().coverage().stream()
                            .map(Contract.Coverage::operation)
                            .filter(operation -> !operation.isEmpty())
                            .toList());
        }
    }

    @Property(tries = 10_000, seed = "20", edgeCases = EdgeCasesMode.NONE)
    @PerProperty(EachOperationSucceeds.class)
    @Tag("faults")
    void manyRequestsGetWhatTheFileDescribes(@ForAll("requests") FuzzedRequest request) throws Exception {
        check(request);
    }

    /** The request before, which may have been on the same connection. */
    private static String previous = "";

    private static void check(FuzzedRequest request) throws Exception {
        String bytes = request.bytes(LEARNED);
        if (state.isEmpty()) {
            state = Instance.ONE.state();
        }
        try {
            Response response = exchange(request, bytes);
            Statistics.label("operation and status").collect(request.operation() + " " + response.status());
            Statistics.label("allowed, and class of the status").collect(request.isAllowed(), response.status() / 100);
            if (response.status() < 300) {
                SUCCEEDED.add(request.operation());
            }
            LEARNED.learn(request, response);
            assertThat(response.status()).isNotEqualTo(500).isNotEqualTo(503);
            if (request.isAllowed()) {
                assertThat(response.status()).isNotIn(NOT_OF_ALLOWED);
                assertThat(response.body()).doesNotContain("\"problem\":{\"type\":\"/problems/malformed\"");
            }
            boolean partly = response.body().contains("stream-incomplete");
            String before = state;
            state = Instance.ONE.state();
            if (request.isSafe() || (response.status() >= 400 && !partly)) {
                assertThat(state).isEqualTo(before);
            }
        } catch (AssertionError | IOException failure) {
            close();
            state = "";
            throw new AssertionError(
                    "%s\n%s\n%s\nbefore it:\n%s"
                            .formatted(failure.getMessage(), request.broken(), shown(bytes), shown(previous)),
                    failure);
        }
        previous = bytes;
    }

    private static String shown(String bytes) {
        return bytes.substring(0, Math.min(3_000, bytes.length()));
    }

    /**
     * Sends a request on the open connection, if there is one. A request whose head cannot be decoded gets a connection
     * of its own: about one in thousands of those was closed without a response on a connection that had served others.
     * The cause is not known.
     */
    private static Response exchange(FuzzedRequest request, String bytes) throws IOException {
        if (request.broken().contains("FRAME") || !isDecodable(bytes.substring(0, bytes.indexOf("\r\n\r\n")))) {
            close();
        }
        RawHttp open = http == null ? new RawHttp(Instance.ONE.server.uri()) : http;
        http = open;
        open.send(bytes);
        Response response = request.method().equals("HEAD") ? open.readHead() : open.readUntilEvent();
        if (response.header("Connection").equalsIgnoreCase("close")
                || request.version().equals("HTTP/1.0")
                // What follows a broken frame may be taken for its rest.
                || request.broken().contains("FRAME")
                || response.header("Content-Type").startsWith("text/event-stream")) {
            close();
        }
        return response;
    }

    private static boolean isDecodable(String head) {
        return head.length() < LINE_MAX
                && head.lines().allMatch(line -> line.chars().allMatch(c -> c >= ' ' && c != 0x7F));
    }

    private static void close() throws IOException {
        if (http != null) {
            http.close();
        }
        http = null;
    }
}
