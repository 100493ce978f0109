package io.tally.console.browser;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;

import io.tally.testing.Database;
import io.tally.testing.Postgres;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyClient.Answer;
import io.tally.testing.TallyServer;
import java.net.URI;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.stream.Collectors;

/** A Tally of one class that wants access keys, with the lab. */
final class KeyedTally implements AutoCloseable {

    static final String ROOT_KEY = "root-".repeat(8);

    private final Database database;
    private final TallyServer server;
    private final TallyClient client;

    private KeyedTally(Database database) {
        this.database = database;
        server = TallyServer.start(
                database, "tally.access.mode", "keys", "tally.access.root-key", ROOT_KEY, "tally.lab.enabled", "true");
        client = new TallyClient(server.uri(), "Authorization", "Bearer " + ROOT_KEY);
    }

    static KeyedTally start() throws SQLException {
        return start(Postgres.shared().createDatabase());
    }

    /** One more instance on a database. */
    static KeyedTally start(Database database) {
        return new KeyedTally(database);
    }

    Database database() {
        return database;
    }

    URI uri() {
        return server.uri();
    }

    /** A client that may do everything. */
    TallyClient client() {
        return client;
    }

    /** Creates a key for namespaces that match a pattern. */
    Answer create(String name, String namespaces, String... actions) {
        String list = Arrays.stream(actions).map(action -> "\"" + action + "\"").collect(Collectors.joining(","));
        Answer created = client.send(
                "POST",
                "/v1/keys",
                "{\"name\":\"%s\",\"grants\":[{\"namespaces\":[\"%s\"],\"actions\":[%s]}]}"
                        .formatted(name, namespaces, list));
        assertThat(created.status()).as(created.body()).isEqualTo(201);
        return created;
    }

    /** Creates a key, and returns it. */
    String key(String name, String namespaces, String... actions) {
        return create(name, namespaces, actions).json().path("key").asString();
    }

    /** Signs in a person who has opened no page yet; returns when the first screen is there. */
    void signIn(Person person, String key) {
        signIn(person, "/console/", key);
    }

    static void signIn(Person person, String path, String key) {
        person.expect(401);
        person.open(path);
        person.field("Access key").fill(key);
        person.press("Enter");
        assertThat(person.button("Sign out")).isVisible();
    }

    @Override
    public void close() {
        server.close();
    }
}
