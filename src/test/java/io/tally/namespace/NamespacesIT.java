package io.tally.namespace;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.testing.Clients;
import io.tally.testing.Database;
import io.tally.testing.Plans;
import io.tally.testing.Postgres;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyClient.Answer;
import io.tally.testing.TallyServer;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.IntStream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** The list of namespaces: its order, its pages, what callers see of it, and its counts. */
@Tag("four-shards")
@Timeout(120)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class NamespacesIT {

    private static final String ROOT = "root".repeat(8);
    private static final String LIST = "/v1/namespaces";

    /** In the order of their bytes. */
    private static final List<String> ALL = List.of(
            "0",
            "A",
            "Z",
            "a",
            "a-b",
            "a.b",
            "a0",
            "a:b",
            "aA",
            "a_b",
            "aa",
            "acme:sold",
            "acme:stock",
            "b",
            "shop",
            "shop-1",
            "shop-2",
            "shop1",
            "z");

    private Database database;
    private TallyServer server;
    private TallyClient root;

    @BeforeAll
    void start() throws Exception {
        database = Postgres.shared().createDatabase();
        server = TallyServer.start(
                database, "tally.access.mode", "keys", "tally.access.root-key", ROOT, "tally.ranking.small-max", "10");
        root = new TallyClient(server.uri(), "Authorization", "Bearer " + ROOT);
        for (String namespace : ALL) {
            for (String name : List.of("one", "two")) {
                assertThat(root.put(namespace + "/" + name, "").status()).isEqualTo(201);
            }
        }
    }

    @AfterAll
    void stop() {
        server.close();
    }

    private TallyClient caller(String namespaces, String actions) {
        Answer created = root.send(
                "POST",
                "/v1/keys",
                "{\"name\":\"n\",\"grants\":[{\"namespaces\":[%s],\"actions\":[%s]}]}".formatted(namespaces, actions));
        assertThat(created.status()).as(created.body()).isEqualTo(201);
        return new TallyClient(
                server.uri(),
                "Authorization",
                "Bearer " + created.json().path("key").asString());
    }

    private static List<JsonNode> items(Answer page) {
        assertThat(page.status()).as(page.body()).isEqualTo(200);
        return StreamSupport.stream(page.json().path("items").spliterator(), false)
                .toList();
    }

    private static List<String> names(Answer page) {
        return items(page).stream()
                .map(item -> item.path("namespace").asString())
                .toList();
    }

    /** The names of all pages. */
    private static List<String> pages(TallyClient client, String query) {
        List<String> names = new ArrayList<>();
        String cursor = "";
        while (cursor != null) {
            Answer page = client.get(LIST + "?" + query + cursor);
            names.addAll(names(page));
            JsonNode next = page.json().path("next");
            cursor = next.isNull() ? null : "&cursor=" + next.asString();
        }
        return names;
    }

    @Test
    void namesAreInTheOrderOfTheirBytes() {
        assertThat(ALL).containsExactlyElementsOf(new TreeSet<>(ALL));
        Answer page = root.get(LIST);
        assertThat(names(page)).isEqualTo(ALL);
        assertThat(page.json().path("next").isNull()).isTrue();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 7, 18, 19, 20, 1000})
    void pagesHaveEachNamespaceOnce(int limit) {
        assertThat(pages(root, "limit=" + limit)).isEqualTo(ALL);
    }

    @ParameterizedTest
    @CsvSource({"a", "aa", "a:", "acme:s", "shop", "shop-", "Z", "~z", "''"})
    void prefixSelects(String prefix) {
        if (prefix.equals("~z")) {
            assertThat(root.get(LIST + "?prefix=~z").status()).isEqualTo(400);
            return;
        }
        List<String> expected =
                ALL.stream().filter(name -> name.startsWith(prefix)).toList();
        assertThat(names(root.get(LIST + "?prefix=" + prefix))).isEqualTo(expected);
        assertThat(pages(root, "limit=2&prefix=" + prefix)).isEqualTo(expected);
    }

    @Test
    void callerSeesWhatItMayRead() {
        assertThat(names(caller("\"shop\"", "\"read\"").get(LIST))).containsExactly("shop");
        TallyClient some = caller("\"shop-*\",\"a\",\"acme:*\",\"none\"", "\"read\"");
        assertThat(names(some.get(LIST))).containsExactly("a", "acme:sold", "acme:stock", "shop-1", "shop-2");
        assertThat(pages(some, "limit=2")).containsExactly("a", "acme:sold", "acme:stock", "shop-1", "shop-2");
        assertThat(names(some.get(LIST + "?prefix=shop"))).containsExactly("shop-1", "shop-2");
        assertThat(names(some.get(LIST + "?prefix=b"))).isEmpty();
        assertThat(names(caller("\"elsewhere\"", "\"read\"").get(LIST))).isEmpty();
        assertThat(caller("\"shop\"", "\"write\",\"manage\"").get(LIST).status())
                .isEqualTo(403);
        // The cursor of a caller that may read more shows another caller no more.
        String cursor = root.get(LIST + "?limit=1").json().path("next").asString();
        assertThat(names(some.get(LIST + "?limit=1&cursor=" + cursor))).containsExactly("a");
    }

    @Test
    void manyGrantsAreOneRead() {
        String many = String.join(
                ",", IntStream.range(0, 100).mapToObj(i -> "\"n" + i + "\"").toList());
        assertThat(names(caller(many, "\"read\"").get(LIST))).isEmpty();
    }

    @Test
    void countsAreThoseOfNow() {
        root.put("counted/one", "");
        JsonNode one = items(root.get(LIST + "?prefix=counted")).getFirst();
        assertThat(one.path("counters").asLong()).isEqualTo(1);
        assertThat(one.path("asOf").asString()).isNotEmpty();
        root.put("counted/two", "");
        root.increment("counted/three", 1);
        assertThat(items(root.get(LIST + "?prefix=counted"))
                        .getFirst()
                        .path("counters")
                        .asLong())
                .isEqualTo(3);
        for (String name : List.of("one", "two", "three")) {
            root.send("DELETE", "/v1/counters/counted/" + name, "");
        }
        assertThat(items(root.get(LIST + "?prefix=counted"))).isEmpty();
    }

    /** A page of a thousand counts two hundred counters in each. */
    @Test
    void largeNamespaceHasTheCountOfItsLastPass() throws Exception {
        database.of("large")
                .execute("insert into counter (namespace, name) select 'large', 'c' || i"
                        + " from generate_series(1, 300) i");
        String path = LIST + "?limit=1000&prefix=large";
        JsonNode uncounted = items(root.get(path)).getFirst();
        assertThat(uncounted.path("counters").isNull()).isTrue();
        assertThat(uncounted.path("asOf").isNull()).isTrue();
        assertThat(items(root.get(LIST + "?prefix=large"))
                        .getFirst()
                        .path("counters")
                        .asLong())
                .isEqualTo(300);
        Clients.await(
                "a pass",
                Clients.PATIENCE,
                () -> root.get("/v1/counters/large?sort=-value").status() == 200);
        JsonNode counted = items(root.get(path)).getFirst();
        assertThat(counted.path("counters").asLong()).isEqualTo(300);
        assertThat(counted.path("asOf").asString()).isNotEmpty();
        database.of("large").execute("delete from counter where namespace = 'large'");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "limit=0",
                "limit=1001",
                "limit=x",
                "prefix=%00",
                "prefix=a%20b",
                "prefix=%C3%A4",
                "prefix=*",
                "prefix=a&prefix=b",
                "cursor=x",
                "sort=name"
            })
    void otherQueriesAreRefused(String query) {
        assertThat(root.get(LIST + "?" + query).status()).isEqualTo(400);
        assertThat(root.get(LIST + "?prefix=" + "a".repeat(65)).status()).isEqualTo(400);
    }

    @Test
    void cursorOfAnotherListIsRefused() {
        String cursor = root.get(LIST + "?limit=1").json().path("next").asString();
        assertThat(root.get(LIST + "?prefix=a&cursor=" + cursor).status()).isEqualTo(400);
        String other = root.get("/v1/counters/shop?limit=1").json().path("next").asString();
        assertThat(root.get(LIST + "?cursor=" + other).status()).isEqualTo(400);
    }

    /** The counters between two namespaces are not read. */
    @Test
    void eachStepLooksIntoTheIndex() throws Exception {
        assertThat(Plans.plan(
                        database.of("shop"), NamespaceSql.NAMES, "text[], text[], bigint", "'{a,s}', '{b,t}', 10"))
                .contains("counter_pkey")
                .contains("(namespace > s_1.namespace) AND (namespace < r.high)")
                .contains("(namespace >= r.low) AND (namespace < r.high)")
                .doesNotContain("Seq Scan");
    }
}
