package io.tally;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.tally.shard.Shards;
import io.tally.testing.Clients;
import io.tally.testing.Database;
import io.tally.testing.Postgres;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyServer;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.stream.Stream;
import org.flywaydb.core.Flyway;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.core.NestedExceptionUtils;

/** The start with several shards: the number is chosen once, and so are the schemas. */
@Tag("one-shard") // It chooses the number itself.
@Timeout(300)
class ShardStartsIT {

    private static final List<String> FOUR = List.of("tally_1", "tally_2", "tally_3", "tally_4");

    private static Database ofOne;
    private static Database ofFour;

    @BeforeAll
    static void start() throws SQLException {
        ofOne = Postgres.shared().createEmptyDatabase();
        ofFour = Postgres.shared().createEmptyDatabase();
        requireCounts(1, ofOne);
        requireCounts(4, ofFour);
    }

    private static void requireCounts(int shards, Database database, String... settings) {
        try (TallyServer server = Shards.start(shards, database, settings)) {
            requireCounts(server);
        }
    }

    private static void requireCounts(TallyServer server) {
        TallyClient client = new TallyClient(server.uri());
        for (int shard : Shards.numbers()) {
            assertThat(client.increment(Shards.in(shard) + "/a", 1).status()).isEqualTo(200);
        }
        client.requireBalancedBooks();
    }

    /** A start; the refusal, or null if it counts. */
    private static @Nullable StartupException refusal(int shards, Database database, String... settings) {
        Throwable failure = catchThrowable(() -> requireCounts(shards, database, settings));
        if (failure == null) {
            return null;
        }
        assertThat(NestedExceptionUtils.getMostSpecificCause(failure)).isInstanceOf(StartupException.class);
        return (StartupException) NestedExceptionUtils.getMostSpecificCause(failure);
    }

    private static void assertRefused(@Nullable StartupException refusal, String message, String action) {
        if (refusal == null) {
            throw new AssertionError("not refused: " + message);
        }
        assertThat(refusal.getMessage()).contains(message);
        assertThat(refusal.action()).contains(action);
    }

    private static Set<String> schemas(Database database) throws SQLException {
        return new TreeSet<>(List.of(
                database.queryString("select string_agg(schemaname, ',') from pg_tables where tablename = 'counter'")
                        .split(",", -1)));
    }

    private static String recorded(Database database, String schema) throws SQLException {
        return database.queryString("select number || ' of ' || count from " + schema + ".shard");
    }

    private static Database in(Database database, String parameters) {
        return new Database(database.url() + "?" + parameters, database.username(), database.password());
    }

    // ---- the number

    @ParameterizedTest
    @CsvSource({"1, 4", "4, 1", "4, 8", "4, 3"})
    void anotherNumberIsRefused(int recorded, int wanted) throws Exception {
        Database database = recorded == 1 ? ofOne : ofFour;
        Set<String> before = schemas(database);

        assertRefused(
                refusal(wanted, database),
                "The database has " + (recorded == 1 ? "1 shard" : recorded + " shards")
                        + ", and tally.shards.count is " + wanted + ".",
                "Set tally.shards.count to " + recorded + ".");
        assertThat(schemas(database)).as("changes nothing").isEqualTo(before);
        assertThat(refusal(recorded, database)).isNull();
    }

    @Test
    void eachSchemaHasItsNumber() throws Exception {
        assertThat(schemas(ofFour)).containsExactlyElementsOf(FOUR);
        for (int shard : Shards.numbers()) {
            assertThat(recorded(ofFour, "tally_" + shard)).isEqualTo(shard + " of 4");
        }
        assertThat(recorded(ofOne, "public")).isEqualTo("1 of 1");
    }

    /** As after a restore under other names: each namespace would be looked for in another shard. */
    @Test
    void exchangedSchemasAreRefused() throws Exception {
        Database database = Postgres.shared().createEmptyDatabase();
        requireCounts(4, database);
        database.execute("alter schema tally_2 rename to other");
        database.execute("alter schema tally_3 rename to tally_2");
        database.execute("alter schema other rename to tally_3");

        assertRefused(refusal(4, database), "The schema tally_2 has the shard 3.", "Restore each schema");
    }

    /** The last migration without the record. */
    @Test
    void aDatabaseOfAnEarlierReleaseHasOneShard() throws Exception {
        Database database = Postgres.shared().createEmptyDatabase();
        Flyway.configure()
                .dataSource("jdbc:" + database.url(), database.username(), database.password())
                .target("13")
                .load()
                .migrate();
        assertThat(database.queryLong("select count(*) from pg_tables where tablename = 'shard'"))
                .isZero();

        assertRefused(
                refusal(4, database), "The database has 1 shard, and tally.shards.count is 4.", "shards.count to 1.");
        assertThat(schemas(database)).containsExactly("public");
        requireCounts(1, database);
        assertThat(recorded(database, "public")).isEqualTo("1 of 1");
        assertRefused(refusal(4, database), "The database has 1 shard", "shards.count to 1.");
    }

    // ---- several starts at once

    @Test
    void instancesThatStartAtOnceAllServe() throws Exception {
        startAtOnce();
    }

    private static void startAtOnce() throws Exception {
        Database database = Postgres.shared().createEmptyDatabase();
        List<TallyServer> servers = Clients.atOnce(3, instance -> Shards.start(database));
        try {
            servers.forEach(ShardStartsIT::requireCounts);
            assertThat(schemas(database)).containsExactlyElementsOf(FOUR);
            assertThat(database.queryLong("select count(*) from tally_1.flyway_schema_history where not success"))
                    .isZero();
        } finally {
            servers.forEach(TallyServer::close);
        }
    }

    @RepeatedTest(20)
    @Tag("faults")
    void instancesThatStartAtOnceServeEachTime() throws Exception {
        startAtOnce();
    }

    @Test
    void ofDifferentNumbersOneSurvives() throws Exception {
        startWithDifferentNumbersAtOnce();
    }

    @RepeatedTest(10)
    @Tag("faults")
    void ofDifferentNumbersOneSurvivesEachTime() throws Exception {
        startWithDifferentNumbersAtOnce();
    }

    private static void startWithDifferentNumbersAtOnce() throws Exception {
        Database database = Postgres.shared().createEmptyDatabase();
        List<Integer> counts = List.of(1, 4, 2, 1);
        List<Integer> served = new ArrayList<>();
        for (Integer count : Clients.atOnce(
                counts.size(),
                instance -> refusal(counts.get(instance), database) == null ? counts.get(instance) : 0)) {
            if (count > 0) {
                served.add(count);
            }
        }

        assertThat(Set.copyOf(served)).hasSize(1);
        int survivor = served.getFirst();
        assertThat(schemas(database))
                .containsExactlyElementsOf(survivor == 1 ? List.of("public") : FOUR.subList(0, survivor));
        for (int count : List.of(1, 2, 4)) {
            assertThat(refusal(count, database) == null).isEqualTo(count == survivor);
        }
    }

    // ---- schemas

    @Test
    void theUrlNamesTheSchemas() throws Exception {
        Database plain = Postgres.shared().createEmptyDatabase();
        Database database = in(plain, "currentSchema=acme");
        requireCounts(4, database);

        assertThat(schemas(plain)).containsExactly("acme_1", "acme_2", "acme_3", "acme_4");
        assertRefused(refusal(2, database), "The database has 4 shards", "shards.count to 4.");
        assertRefused(refusal(1, database), "The database has 4 shards", "shards.count to 4.");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "currentSchema=acme,public",
                "currentSchema=Acme",
                "currentSchema=a-b",
                "currentSchema=1a",
                "currentSchema=a%22b",
                "currentSchema=aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffg",
                "options=-c%20search_path=acme,public"
            })
    void aSchemaThatCannotHaveANumberIsRefused(String parameters) {
        assertRefused(
                refusal(4, in(ofFour, parameters)),
                "With tally.shards.count = 4, the schema in TALLY_DATABASE_URL must have 1 to 60 of a-z, 0-9 and '_'",
                "?currentSchema=acme for the schemas acme_1, acme_2 and so on");
    }

    @ParameterizedTest
    @ValueSource(strings = {"spring.flyway.schemas", "spring.flyway.default-schema"})
    void aSchemaOfFlywayIsRefused(String setting) {
        assertRefused(
                refusal(4, ofFour, setting, "apps"),
                "spring.flyway.default-schema or spring.flyway.schemas is apps, and with several shards each has a"
                        + " schema of its own.",
                "Remove both settings.");
    }

    // ---- rights and connections

    private static Database as(String user, Database database) {
        return new Database(database.url(), user, "secret-of-" + user);
    }

    private static String newUser(Database database) throws SQLException {
        String user = "user_" + UUID.randomUUID().toString().replace("-", "");
        database.execute("create role " + user + " login password 'secret-of-" + user + "'");
        return user;
    }

    @Test
    void aUserWithoutTheRightToCreateSchemasIsRefused() throws Exception {
        Database database = Postgres.shared().createEmptyDatabase();
        String user = newUser(database);
        String name = database.queryString("select current_database()");

        assertRefused(
                refusal(4, as(user, database)),
                "The user " + user + " may not create the schema tally_1",
                "grant create on database " + name + " to " + user);
        database.execute("grant create on database " + name + " to " + user);
        requireCounts(4, as(user, database));
        // Only the first start needs it.
        database.execute("revoke create on database " + name + " from " + user);
        requireCounts(4, as(user, database));
    }

    /** The operator made the schemas, and left one without rights. */
    @Test
    void aUserWithoutRightsOnASchemaIsRefused() throws Exception {
        Database database = Postgres.shared().createEmptyDatabase();
        String user = newUser(database);
        for (String schema : FOUR) {
            database.execute("create schema " + schema);
            if (!schema.equals("tally_3")) {
                database.execute("grant usage, create on schema " + schema + " to " + user);
            }
        }

        assertRefused(
                refusal(4, as(user, database)),
                "The user " + user + " may not create tables in the schema tally_3.",
                "grant usage, create on schema tally_3 to " + user);
        database.execute("grant usage, create on schema tally_3 to " + user);
        requireCounts(4, as(user, database));
    }

    @Test
    void theOperatorMayMigrate() throws Exception {
        Database database = Postgres.shared().createEmptyDatabase();
        String user = newUser(database);
        requireCounts(4, database);
        for (String schema : FOUR) {
            database.execute("grant usage on schema " + schema + " to " + user);
            database.execute("grant select, insert, update, delete on all tables in schema " + schema + " to " + user);
        }

        requireCounts(4, as(user, database), "spring.flyway.enabled", "false");
        assertRefused(
                refusal(8, as(user, database), "spring.flyway.enabled", "false"),
                "The database has 4 shards",
                "shards.count to 4.");
        database.execute("revoke delete on tally_2.token from " + user);
        assertRefused(
                refusal(4, as(user, database), "spring.flyway.enabled", "false"),
                "The user " + user + " lacks rights: delete on token.",
                "on all tables in schema tally_2 to " + user);
    }

    /** An operator who migrates by other means need not know of the record. */
    @Test
    void aStartWithoutMigrationRecordsTheNumber() throws Exception {
        Database database = Postgres.shared().createEmptyDatabase();
        requireCounts(4, database);
        for (String schema : FOUR) {
            database.execute("delete from " + schema + ".shard");
        }

        requireCounts(4, database, "spring.flyway.enabled", "false");
        assertThat(Stream.of("tally_1", "tally_4").map(schema -> {
                    try {
                        return recorded(database, schema);
                    } catch (SQLException e) {
                        throw new IllegalStateException(e);
                    }
                }))
                .containsExactly("1 of 4", "4 of 4");
        assertRefused(
                refusal(4, Postgres.shared().createEmptyDatabase(), "spring.flyway.enabled", "false"),
                "does not find the schemas tally_1, tally_2, tally_3, tally_4,",
                "apply all migrations");
    }

    @Test
    void tooFewConnectionsAreRefused() throws Exception {
        Database database = Postgres.shared().createEmptyDatabase();
        long available = database.queryLong("select current_setting('max_connections')::int"
                + " - current_setting('superuser_reserved_connections')::int"
                + " - current_setting('reserved_connections')::int");
        long perShard = 1 + 4 + 1 + 1;

        assertRefused(
                refusal(64, database),
                "An instance needs up to " + (64 * perShard + 2)
                        + " connections with tally.shards.count = 64, and the database has " + available
                        + " for its user.",
                "Raise max_connections");
        assertThat(database.queryLong("select count(*) from pg_namespace where nspname like 'tally%'"))
                .as("changes nothing")
                .isZero();
    }
}
