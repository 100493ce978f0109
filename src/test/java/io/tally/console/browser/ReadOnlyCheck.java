package io.tally.console.browser;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;

import com.microsoft.playwright.Locator;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** What a key may not do is neither on the page nor allowed by the API. */
@Timeout(180)
@ExtendWith(Chromium.class)
class ReadOnlyCheck {

    private static final List<String> WRITING = List.of(
            "Check now",
            "Add",
            "Set",
            "Change bounds",
            "Delete counter",
            "Create key",
            "Rotate",
            "Revoke",
            "Start run",
            "Stop run");

    private static KeyedTally tally;

    @BeforeAll
    static void start() throws SQLException {
        tally = KeyedTally.start();
        tally.client().increment("shop/stock", 5);
        tally.client().increment("bank/account", 7);
        tally.client().send("PUT", "/v1/counters/shop/post/members/ann", "");
    }

    @AfterAll
    static void stop() {
        tally.close();
    }

    @Test
    void readerFindsNothingThatWrites(People people) {
        Person reader = people.person(tally.uri());
        tally.signIn(reader, tally.key("reader", "*", "read"));
        assertThat(reader.table("Lanes")).isVisible();
        requireNothingThatWrites(reader);
        assertThat(reader.link("Keys")).hasCount(0);
        assertThat(reader.link("Lab")).hasCount(0);

        reader.open("/console/#/counters");
        assertThat(reader.table("Namespaces")).containsText("shop");
        requireNothingThatWrites(reader);

        reader.open("/console/#/counters/shop");
        assertThat(reader.table("Counters of shop")).containsText("stock");
        requireNothingThatWrites(reader);

        reader.open("/console/#/counters/shop/stock");
        assertThat(reader.table("Values seen")).containsText("5");
        requireNothingThatWrites(reader);

        reader.open("/console/#/counters/shop/post");
        assertThat(reader.table("Members")).containsText("ann");
        requireNothingThatWrites(reader);
    }

    /** Nor do the addresses of the other screens show more. */
    @Test
    void addressesOfOtherScreensShowNoControls(People people) {
        Person reader = people.person(tally.uri());
        tally.signIn(reader, tally.key("guesser", "*", "read"));
        reader.expect(403);
        for (String screen : List.of("keys", "lab")) {
            reader.open("/console/#/" + screen);
            assertThat(reader.main()).containsText("admin");
            requireNothingThatWrites(reader);
        }
    }

    private static void requireNothingThatWrites(Person reader) {
        for (String name : WRITING) {
            assertThat(reader.button(name)).hasCount(0);
        }
        Locator fields = reader.page().locator("main").locator("input, select, textarea");
        for (Locator field : fields.all()) {
            assertThat(field).hasAccessibleName("Filter by prefix");
        }
    }

    @Test
    void writesThatThePageForgesAreForbidden(People people) {
        Person reader = people.person(tally.uri());
        tally.signIn(reader, tally.key("forger", "*", "read"));
        reader.expect(403);
        String write = """
                async ([path, headers]) => {
                  const response = await fetch(path, { method: 'POST', headers });
                  return response.status + ' ' + (await response.json()).type;
                }
                """;
        String path = "/v1/counters/shop/stock/increments";
        assertThat(reader.page().evaluate(write, List.of(path, Map.of("Tally-Console", "true"))))
                .isEqualTo("403 /problems/forbidden");
        assertThat(reader.page().evaluate(write, List.of(path, Map.of()))).isEqualTo("403 /problems/origin-refused");
        assertThat(reader.page().evaluate(write, List.of("/v1/audits", Map.of("Tally-Console", "true"))))
                .isEqualTo("403 /problems/forbidden");
        assertThat(tally.client().value("shop/stock")).isEqualTo(5);
    }

    @Test
    void keyOfOneNamespaceSeesOnlyThat(People people) {
        Person seller = people.person(tally.uri());
        tally.signIn(seller, tally.key("seller", "shop", "read", "write"));
        // The books need "read" in all namespaces.
        assertThat(seller.heading("Counters")).isVisible();
        assertThat(seller.link("Books")).hasCount(0);
        assertThat(seller.button("Check now")).hasCount(0);
        assertThat(seller.table("Namespaces")).containsText("shop");
        assertThat(seller.table("Namespaces")).not().containsText("bank");

        seller.open("/console/#/counters/shop/stock");
        assertThat(seller.button("Add")).isVisible();
        for (String name : List.of("Set", "Change bounds", "Delete counter")) {
            assertThat(seller.button(name)).hasCount(0);
        }

        seller.expect(403);
        seller.open("/console/#/counters/bank/account");
        assertThat(seller.alert().first()).containsText("403");
        assertThat(seller.button("Add")).hasCount(0);
    }
}
