package io.tally.console.browser;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;

import com.microsoft.playwright.Locator;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.options.AriaRole;
import io.tally.testing.Postgres;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyServer;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** The screens that find a counter. */
@Timeout(180)
@ExtendWith(Chromium.class)
class CountersCheck {

    private static final int ROWS_PER_PAGE = 50;

    /** Names that would do something if they were not taken as text. */
    private static final List<String> ODD_NAMES = List.of(
            "<img src=x onerror=alert(1)>",
            "</script><script>alert(1)</script>",
            "\"quoted\" & 'single' `back`",
            "a/b/../c?d=e#f%2F",
            "${jndi}{{7*7}}",
            "🧮👩‍👩‍👧",
            "עברית مرحبا",
            "\u202Eright-to-left",
            "  spaces  within  ");

    private static TallyServer server;
    private static TallyClient client;

    @BeforeAll
    static void start() throws SQLException {
        server = TallyServer.start(Postgres.shared().createDatabase());
        client = new TallyClient(server.uri());
        for (int i = 0; i < ROWS_PER_PAGE + 10; i++) {
            client.increment("many/counter-%03d".formatted(i), i);
        }
        client.put("shop/stock", "{\"initial\":9,\"min\":0,\"max\":10}");
        client.put("shop/stage", "{\"initial\":500,\"min\":0,\"max\":1000}");
        client.put("shop/views", "{\"initial\":2000}");
        ODD_NAMES.forEach(name -> client.increment("odd/" + encoded(name), 7));
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    private static String encoded(String name) {
        return URLEncoder.encode(name, StandardCharsets.UTF_8).replace("+", "%20");
    }

    @Test
    void readerFindsACounterByKeyboard(People people) {
        Person reader = people.person(server.uri());
        reader.open("/console/");
        reader.choose(reader.link("Counters"));
        assertThat(reader.heading("Counters")).isFocused();
        assertThat(reader.page()).hasTitle(Pattern.compile("^Counters"));
        Locator namespaces = reader.table("Namespaces");
        assertThat(namespaces).containsText("many");

        reader.tabTo(reader.field("Filter by prefix"));
        reader.type("sh");
        assertThat(namespaces).not().containsText("many");
        assertThat(reader.field("Filter by prefix")).isFocused();
        reader.choose(reader.link("shop"));

        assertThat(reader.heading("shop")).isFocused();
        Locator table = reader.table("Counters of shop");
        assertThat(names(table)).hasText(new String[] {"stage", "stock", "views"});
        reader.tabTo(reader.field("Filter by prefix"));
        reader.type("sto");
        assertThat(names(table)).hasText(new String[] {"stock"});
        assertThat(reader.page()).hasURL(Pattern.compile("prefix=sto"));
        reader.choose(reader.link("stock"));
        assertThat(reader.heading("stock")).isFocused();

        // The URL is the state: the way back leads through the same places.
        reader.page().goBack();
        assertThat(names(table)).hasText(new String[] {"stock"});
        assertThat(reader.field("Filter by prefix")).hasValue("sto");
    }

    private static Locator names(Locator table) {
        return table.getByRole(AriaRole.ROWHEADER);
    }

    @Test
    void headersSortByKeyboard(People people) {
        Person reader = people.person(server.uri());
        reader.open("/console/#/counters/shop");
        Locator table = reader.table("Counters of shop");
        assertThat(header(table, "Name")).hasAttribute("aria-sort", "ascending");

        reader.choose(header(table, "Value").getByRole(AriaRole.BUTTON));
        assertThat(names(table)).hasText(new String[] {"views", "stage", "stock"});
        assertThat(header(table, "Value")).hasAttribute("aria-sort", "descending");
        assertThat(header(table, "Name").and(reader.page().locator("[aria-sort]")))
                .hasCount(0);
        // Where the order is as of an earlier time, the page says which.
        assertThat(reader.page().getByText("Order as of")).isVisible();

        reader.choose(header(table, "Value").getByRole(AriaRole.BUTTON));
        assertThat(names(table)).hasText(new String[] {"stock", "stage", "views"});
        assertThat(header(table, "Value")).hasAttribute("aria-sort", "ascending");

        reader.choose(header(table, "Growth").getByRole(AriaRole.BUTTON));
        assertThat(header(table, "Growth")).hasAttribute("aria-sort", "descending");
    }

    private static Locator header(Locator table, String name) {
        return table.getByRole(
                AriaRole.COLUMNHEADER, new Locator.GetByRoleOptions().setName(Pattern.compile("^" + name)));
    }

    @Test
    void pagesFollowTheCursorByKeyboard(People people) {
        Person reader = people.person(server.uri());
        reader.open("/console/#/counters/many");
        Locator table = reader.table("Counters of many");
        assertThat(names(table)).hasCount(ROWS_PER_PAGE);
        assertThat(names(table).first()).hasText("counter-000");

        reader.choose(reader.button("Next page"));
        assertThat(names(table)).hasCount(10);
        assertThat(names(table).first()).hasText("counter-050");
        assertThat(reader.button("Next page")).isFocused();

        reader.choose(reader.button("First page"));
        assertThat(names(table).first()).hasText("counter-000");
    }

    @Test
    void boundsAreNumbersAndABar(People people) {
        Person reader = people.person(server.uri());
        reader.open("/console/#/counters/shop");
        Locator table = reader.table("Counters of shop");
        assertThat(table).containsText("9 of 10, near the maximum");
        assertThat(table).containsText("500 of 1,000");
        assertThat(table).containsText("no bounds");
    }

    @Test
    void rowsAreLiveWhenAsked(People people) {
        Person reader = people.person(server.uri());
        client.increment("live/a", 1);
        reader.open("/console/#/counters/live");
        Locator live = reader.button("Live");
        assertThat(live).hasAttribute("aria-pressed", "false");
        reader.choose(live);
        assertThat(live).hasAttribute("aria-pressed", "true");
        // The mark beside the button.
        assertThat(reader.page().locator("main").getByText("Live", new Locator.GetByTextOptions().setExact(true)))
                .hasCount(2);

        client.increment("live/a", 41);
        assertThat(reader.table("Counters of live")).containsText("42");
        // Numbers that tick are not announced.
        assertThat(reader.page().locator("main [aria-live]:not([aria-live=off])"))
                .hasCount(0);

        // The URL is the state, so that a link to a live table is live.
        reader.page().reload();
        assertThat(live).hasAttribute("aria-pressed", "true");
        client.increment("live/a", 1);
        assertThat(reader.table("Counters of live")).containsText("43");
        reader.choose(live);
        assertThat(live).hasAttribute("aria-pressed", "false");
    }

    @Test
    void requestIsCopiedAsCurl(People people) {
        Person reader = people.person(server.uri());
        reader.context().grantPermissions(List.of("clipboard-read", "clipboard-write"));
        reader.open("/console/#/counters/shop?prefix=st");
        assertThat(reader.table("Counters of shop")).containsText("stock");
        reader.choose(reader.button("Copy as curl"));
        assertThat(reader.message()).containsText("is in the clipboard");
        String line = (String) reader.page().evaluate("navigator.clipboard.readText()");
        assertThat(line)
                .startsWith("curl '" + server.uri() + "/v1/counters/shop?")
                .endsWith("'");
        String path = line.substring(("curl '" + server.uri()).length(), line.length() - 1);
        assertThat(client.get(path).json().path("items").size()).isEqualTo(2);
    }

    @Test
    void namesAreShownAsText(People people) {
        Person reader = people.person(server.uri());
        reader.open("/console/#/counters/odd");
        Locator table = reader.table("Counters of odd");
        assertThat(names(table)).hasCount(ODD_NAMES.size());
        assertThat(names(table).allTextContents()).containsExactlyInAnyOrderElementsOf(ODD_NAMES);
        assertThat(table.locator("img, script")).hasCount(0);
        reader.requireNoOverflow();
        reader.picture("odd-names");

        for (String name : ODD_NAMES) {
            reader.open("/console/#/counters/odd");
            reader.choose(names(table)
                    .filter(new Locator.FilterOptions().setHasText(name.strip()))
                    .getByRole(AriaRole.LINK));
            // The link leads to the counter, not to one of a shorter name.
            assertThat(reader.table("Values seen")).containsText("7");
            assertThat(reader.page()
                            .getByRole(AriaRole.HEADING, new Page.GetByRoleOptions().setLevel(1))
                            .textContent())
                    .isEqualTo(name);
        }
    }

    @Test
    void emptyPlacesShowTheCurlThatFillsThem(People people) throws SQLException {
        Person reader = people.person(server.uri());
        reader.open("/console/#/counters/void");
        assertThat(reader.main()).containsText("curl -X POST '" + server.uri() + "/v1/counters/void/hits/increments'");

        reader.expect(404);
        reader.open("/console/#/counters/void/absent");
        assertThat(reader.main())
                .containsText("curl -X POST '" + server.uri() + "/v1/counters/void/absent/increments'");
        // The page shows the counter as soon as there is one.
        client.increment("void/absent", 1);
        assertThat(reader.table("Values seen")).containsText("1");
    }
}
