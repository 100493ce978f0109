package io.tally.postgres;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.r2dbc.postgresql.PostgresqlConnectionFactory;
import io.tally.pipeline.StoreFailure;
import io.tally.pipeline.StoreFailure.Kind;
import io.tally.testing.Clients;
import io.tally.testing.Database;
import io.tally.testing.EmbeddedPostgres;
import io.tally.testing.EventStream;
import io.tally.testing.Postgres;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyClient.Answer;
import io.tally.testing.TallyServer;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.function.Function;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import reactor.core.publisher.Mono;

/** A role and a database may set their sessions as they like: what Tally answers does not depend on it. */
@Tag("one-shard") // Sets search paths itself.
@Timeout(300)
class HostileSettingsIT {

    /** Each setting that a role or a database can give sessions, where a value could do harm. As SQL. */
    private static final Map<String, String> WORST = Map.ofEntries(
            Map.entry("search_path", "own, hostile, pg_catalog"),
            Map.entry("array_nulls", "off"),
            Map.entry("transform_null_equals", "on"),
            Map.entry("standard_conforming_strings", "off"),
            Map.entry("backslash_quote", "off"),
            Map.entry("quote_all_identifiers", "on"),
            Map.entry("exit_on_error", "on"),
            Map.entry("client_min_messages", "debug5"),
            Map.entry("client_encoding", "'SQL_ASCII'"),
            Map.entry("DateStyle", "'German, DMY'"),
            Map.entry("IntervalStyle", "'sql_standard'"),
            Map.entry("TimeZone", "'America/St_Johns'"),
            Map.entry("timezone_abbreviations", "'India'"),
            Map.entry("bytea_output", "'escape'"),
            Map.entry("extra_float_digits", "-15"),
            Map.entry("xmloption", "document"),
            Map.entry("row_security", "off"),
            Map.entry("lo_compat_privileges", "on"),
            Map.entry("check_function_bodies", "off"),
            Map.entry("synchronous_commit", "off"),
            Map.entry("default_transaction_isolation", "'serializable'"),
            Map.entry("default_transaction_read_only", "on"),
            Map.entry("default_transaction_deferrable", "on"),
            Map.entry("statement_timeout", "'2s'"),
            Map.entry("transaction_timeout", "'2s'"),
            Map.entry("lock_timeout", "'1ms'"),
            Map.entry("idle_in_transaction_session_timeout", "'1ms'"),
            Map.entry("idle_session_timeout", "'2s'"),
            Map.entry("plan_cache_mode", "force_custom_plan"),
            Map.entry("enable_indexscan", "off"),
            Map.entry("enable_indexonlyscan", "off"),
            Map.entry("enable_bitmapscan", "off"),
            Map.entry("enable_tidscan", "off"),
            Map.entry("enable_nestloop", "off"),
            Map.entry("enable_hashjoin", "off"),
            Map.entry("enable_mergejoin", "off"),
            Map.entry("enable_hashagg", "off"),
            Map.entry("enable_sort", "off"),
            Map.entry("enable_material", "off"),
            Map.entry("enable_memoize", "off"),
            Map.entry("from_collapse_limit", "1"),
            Map.entry("join_collapse_limit", "1"),
            Map.entry("constraint_exclusion", "on"),
            Map.entry("geqo_threshold", "2"),
            Map.entry("geqo_pool_size", "2"),
            Map.entry("random_page_cost", "1e10"),
            Map.entry("cpu_index_tuple_cost", "1e10"),
            Map.entry("seq_page_cost", "0"),
            Map.entry("effective_cache_size", "'8kB'"),
            Map.entry("jit_above_cost", "0"),
            Map.entry("debug_parallel_query", "'regress'"),
            Map.entry("force_parallel_mode", "'regress'"),
            Map.entry("max_parallel_workers_per_gather", "8"),
            Map.entry("min_parallel_table_scan_size", "0"),
            Map.entry("parallel_setup_cost", "0"),
            Map.entry("parallel_tuple_cost", "0"),
            Map.entry("work_mem", "'64kB'"),
            Map.entry("hash_mem_multiplier", "1"),
            Map.entry("synchronize_seqscans", "on"),
            Map.entry("gin_fuzzy_search_limit", "1"),
            Map.entry("stats_fetch_consistency", "'snapshot'"),
            Map.entry("lc_messages", "'C'"),
            Map.entry("lc_numeric", "'C'"),
            Map.entry("session_replication_role", "'replica'"),
            Map.entry("zero_damaged_pages", "on"),
            Map.entry("ignore_checksum_failure", "on"));

    private static final List<String> HIDING = List.of(
            "create schema own",
            "create schema hostile",
            "create function hostile.pg_is_in_recovery() returns boolean language sql as 'select true'",
            "create function hostile.minus(bigint, integer) returns bigint language sql as 'select 42::bigint'",
            "create operator hostile.- (leftarg = bigint, rightarg = integer, function = hostile.minus)");

    private static Database hostile;

    /** A role that may log in, and its settings. */
    private static Database as(Database database, String role, String attributes, Map<String, String> settings)
            throws SQLException {
        try (Connection connection = database.connect();
                Statement statement = connection.createStatement()) {
            statement.execute("create role %1$s login password '%1$s' %2$s".formatted(role, attributes));
            statement.execute("grant all on schema public to " + role);
            statement.execute("alter role %s set %s".formatted(role, "application_name = 'tally'"));
            Set<String> known = new HashSet<>();
            try (ResultSet rows = statement.executeQuery("select name from pg_settings")) {
                while (rows.next()) {
                    known.add(rows.getString(1));
                }
            }
            String name = database.url().substring(database.url().lastIndexOf('/') + 1);
            for (Map.Entry<String, String> setting : settings.entrySet()) {
                if (known.contains(setting.getKey())) {
                    String set = " set " + setting.getKey() + " = " + setting.getValue();
                    statement.execute("alter role " + role + set);
                    statement.execute("alter database " + name + set);
                }
            }
        }
        return new Database(database.url(), role, role);
    }

    private static String role() {
        return "role_" + UUID.randomUUID().toString().replace("-", "");
    }

    private static Database hostile() throws SQLException {
        Database database = Postgres.shared().createEmptyDatabase();
        try (Connection connection = database.connect();
                Statement statement = connection.createStatement()) {
            for (String sql : HIDING) {
                statement.execute(sql);
            }
        }
        // A superuser: what only superusers may set is set, too.
        return as(database, role(), "superuser", WORST);
    }

    @BeforeAll
    static void create() throws SQLException {
        hostile = hostile();
    }

    @Test
    void aRoleAndADatabaseDoNotChangeAnswers() throws Exception {
        List<String> expected = answers(Postgres.shared().createEmptyDatabase());
        assertThat(answers(hostile)).containsExactlyElementsOf(expected);
    }

    /** The answers to a request of each kind, without what differs from run to run. */
    private static List<String> answers(Database database) throws Exception {
        try (TallyServer server = TallyServer.start(database, "tally.ranking.small-max", "100")) {
            TallyClient client = new TallyClient(server.uri());
            List<String> answers = new ArrayList<>();
            Consumer<Answer> add = answer -> answers.add(answer.status() + " " + stable(answer.body()));
            add.accept(client.increment("h/plain", 5));
            add.accept(client.increment("h/plain", -2, "Idempotency-Key", "k1"));
            add.accept(client.increment("h/plain", -2, "Idempotency-Key", "k1"));
            add.accept(client.increment("h/plain", -3, "Idempotency-Key", "k1"));
            add.accept(client.put("h/bounded", "{\"initial\":1,\"max\":3}"));
            add.accept(client.increment("h/bounded", 2));
            add.accept(client.increment("h/bounded", 1));
            add.accept(client.increment("h/bounded", -1, "If-Match", "\"2\""));
            add.accept(client.increment("h/bounded", -1, "If-Match", "\"2\""));
            add.accept(client.send("PATCH", "/v1/counters/h/bounded", "{\"value\":7,\"max\":null}", "If-Match", "*"));
            add.accept(client.get("/v1/counters/h/bounded"));
            add.accept(client.send("PUT", "/v1/counters/h/liked/members/a", ""));
            add.accept(client.send("PUT", "/v1/counters/h/liked/members/b", "", "Idempotency-Key", "k2"));
            add.accept(client.send("DELETE", "/v1/counters/h/liked/members/a", ""));
            add.accept(client.get("/v1/counters/h/liked/members"));
            add.accept(client.send("POST", "/v1/names/h", "[\"x\",\"null\",\"x\",\"Ä\\\\\"]"));
            add.accept(client.send("POST", "/v1/names/h?fold=lower", "[\"X\",\"NULL\"]"));
            Answer token = client.send("POST", "/v1/tokens/h", "");
            answers.add(token.status() + " a token");
            String execution = "/v1/tokens/h/" + token.json().path("token").asString("") + "/execution";
            for (int i = 0; i < 2; i++) {
                answers.add(client.post(execution).status() + " an execution");
            }
            add.accept(client.send(
                    "POST",
                    "/v1/transactions",
                    "{\"increments\":[{\"namespace\":\"h\",\"name\":\"plain\",\"delta\":1},"
                            + "{\"namespace\":\"h\",\"name\":\"bounded\",\"delta\":-1}]}",
                    "Idempotency-Key",
                    "k3"));
            StringBuilder lines = new StringBuilder();
            for (int i = 0; i < 500; i++) {
                lines.append("{\"namespace\":\"h\",\"name\":\"n%d\",\"delta\":%d}\n".formatted(i % 150, i));
            }
            add.accept(client.send("POST", "/v1/increments", lines.toString(), "Content-Type", "application/x-ndjson"));
            add.accept(client.send(
                    "POST",
                    "/v1/increments",
                    lines.toString(),
                    "Content-Type",
                    "application/x-ndjson",
                    "Idempotency-Key",
                    "upload"));
            Answer snapshot = client.post("/v1/snapshots/h");
            answers.add(snapshot.status() + " a snapshot");
            String job = snapshot.header("Location");
            Clients.await(
                    "the snapshot",
                    Clients.PATIENCE,
                    () -> !client.get(job).json().path("state").asString("").equals("running"));
            add.accept(client.get(job));
            for (String sort : List.of("name", "value", "-value", "growth", "-growth")) {
                String list = "/v1/counters/h?limit=20&sort=" + sort;
                Clients.await(list, Clients.PATIENCE, () -> isComplete(client.get(list)));
                answers.add(client.get(list).json().path("items").toString());
            }
            try (EventStream stream = new EventStream(server.uri(), "/v1/counters/h/plain/events")) {
                answers.add(stable(stream.await(1).toString()));
                add.accept(client.increment("h/plain", 1));
                answers.add(stable(stream.await(2).toString()));
            }
            add.accept(client.send("DELETE", "/v1/counters/h/bounded", ""));
            add.accept(client.send("POST", "/v1/audits", ""));
            return answers.stream().map(HostileSettingsIT::stable).toList();
        }
    }

    /** A list of a large namespace is as of the last pass. */
    private static boolean isComplete(Answer list) {
        return list.status() == 200 && list.json().path("items").size() == 20;
    }

    private static String stable(String text) {
        return text.replaceAll("\\d{4}-\\d\\d-\\d\\dT[0-9:.]+Z", "a time")
                .replaceAll("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "an id")
                .replaceAll("\"(took|seconds|millis|writers)[A-Za-z]*\":[0-9.E-]+", "\"$1\":0")
                .replaceAll("\"requestId\":\"[^\"]*\"", "a request");
    }

    private static DatabaseProperties properties(Database database) {
        return new DatabaseProperties(
                database.url(),
                database.username(),
                database.password(),
                Duration.ofMinutes(1),
                Duration.ofSeconds(5),
                Duration.ofMinutes(1),
                2,
                Duration.ZERO);
    }

    private static <T> T pooled(Database database, Function<Pool, Mono<T>> work) {
        DatabaseProperties properties = properties(database);
        Pool pool = new Pool(
                new SessionConnections(
                        new PostgresqlConnectionFactory(Sessions.address(properties)
                                .options(Sessions.keyed(properties))
                                .build()),
                        Sessions.keyed(properties),
                        null),
                properties,
                1);
        try {
            return Objects.requireNonNull(work.apply(pool).block());
        } finally {
            pool.close().block();
        }
    }

    private static String shown(Database database, String setting) {
        return pooled(
                database,
                pool -> pool.use(connection -> Statements.one(
                        connection.createStatement(
                                "select coalesce(current_setting('" + setting + "', true), '0') as value"),
                        row -> CounterRows.text(row, "value"))));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "array_nulls | on",
                "exit_on_error | off",
                "synchronous_commit | on",
                "default_transaction_read_only | off",
                "idle_session_timeout | 0",
                "transaction_timeout | 0",
                "TimeZone | UTC",
                "client_min_messages | warning",
                "work_mem | 4MB",
                "plan_cache_mode | force_generic_plan",
                "enable_seqscan | off",
                "enable_indexscan | on",
                "enable_tidscan | on",
                "geqo_threshold | 12",
                "session_replication_role | origin",
                "zero_damaged_pages | off",
                // The names are in quotes, because quote_all_identifiers is on.
                "search_path | \"own\", \"hostile\", pg_temp"
            })
    void aSessionIsSet(String setting, String value) {
        assertThat(shown(hostile, setting)).isEqualTo(value);
    }

    /** The best that the role has is kept. */
    @ParameterizedTest
    @CsvSource({"work_mem, '64MB'", "synchronous_commit, remote_apply", "synchronous_commit, local"})
    void aSessionKeepsWhatDoesNoHarm(String setting, String value) throws SQLException {
        Database database =
                as(Postgres.shared().createDatabase(), role(), "superuser", Map.of(setting, "'" + value + "'"));
        assertThat(shown(database, setting)).isEqualTo(value);
    }

    /** A migration of a large table takes longer than a role lets other statements take. */
    @ParameterizedTest
    @CsvSource({
        "statement_timeout, 0",
        "transaction_timeout, 0",
        "idle_in_transaction_session_timeout, 0",
        "default_transaction_isolation, read committed",
        "default_transaction_read_only, off",
        "exit_on_error, off",
        "lock_timeout, 1ms",
        "search_path, 'own, hostile, pg_catalog'"
    })
    void aMigrationIsSet(String setting, String value) throws SQLException {
        try (Connection connection = hostile.connect();
                Statement statement = connection.createStatement()) {
            statement.execute(SessionSql.MIGRATE);
            try (ResultSet rows =
                    statement.executeQuery("select coalesce(current_setting('" + setting + "', true), '0')")) {
                rows.next();
                assertThat(rows.getString(1)).isEqualTo(value);
            }
        }
    }

    /** The schema of the tables comes first, as the role has it. */
    @Test
    void aSessionKeepsItsSchema() throws SQLException {
        assertThat(shown(Postgres.shared().createDatabase(), "search_path")).isEqualTo("\"$user\", public, pg_temp");
    }

    @Test
    void aSettingOfASuperuserRefusesTheConnection() throws SQLException {
        Database database =
                as(Postgres.shared().createDatabase(), role(), "", Map.of("session_replication_role", "'replica'"));
        assertThatThrownBy(() -> shown(database, "array_nulls")).isInstanceOfSatisfying(StoreFailure.class, failure -> {
            assertThat(failure.kind()).isEqualTo(Kind.FATAL);
            assertThat(failure).hasMessageContaining("session_replication_role = replica");
        });
    }

    /** Managed services set a server to read-only when its disk is almost full. */
    @Test
    void aServerThatIsReadOnlyStaysSo() throws SQLException {
        try (EmbeddedPostgres server = EmbeddedPostgres.startTemporary()) {
            Database database = server.createDatabase("frozen");
            database.execute("alter system set default_transaction_read_only = on");
            database.queryString("select pg_reload_conf()::text");
            assertThat(shown(database, "default_transaction_read_only")).isEqualTo("on");
        }
    }
}
