package io.tally.console.browser;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;

import com.microsoft.playwright.Locator;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.Route.FulfillOptions;
import com.microsoft.playwright.options.AriaRole;
import io.tally.testing.Postgres;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyServer;
import java.sql.SQLException;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import tools.jackson.databind.JsonNode;

/** The screen of one counter. */
@Timeout(180)
@ExtendWith(Chromium.class)
class CounterCheck {

    /** The first integer that a number of JavaScript cannot have. */
    private static final long BEYOND_DOUBLE = (1L << 53) + 1;

    private static TallyServer server;
    private static TallyClient client;

    @BeforeAll
    static void start() throws SQLException {
        server = TallyServer.start(Postgres.shared().createDatabase());
        client = new TallyClient(server.uri());
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    private static Person reader(People people, String counter) {
        Person reader = people.person(server.uri());
        reader.open("/console/#/counters/" + counter);
        return reader;
    }

    /** The large number. */
    private static Locator value(Person reader) {
        return reader.region("Value").getByRole(AriaRole.PARAGRAPH).first();
    }

    @Test
    void readerAddsByKeyboardAfterAPreview(People people) {
        client.put("shop/add", "{\"initial\":10,\"min\":0,\"max\":500}");
        Person reader = reader(people, "shop/add");
        assertThat(value(reader)).hasText("10");
        reader.tabTo(reader.field("Amount"));
        reader.type("-2");
        assertThat(reader.main()).containsText("10 → 8");
        assertThat(reader.main()).containsText("of max 500");
        reader.press("Enter");
        assertThat(reader.message()).containsText("8");
        assertThat(value(reader)).hasText("8");
        assertThat(reader.table("Values seen").getByRole(AriaRole.ROW)).hasCount(3);
        assertThat(reader.table("Values seen")).containsText("-2");

        // What a bound refuses is said before and after.
        reader.expect(409);
        reader.tabTo(reader.field("Amount"));
        reader.type("-9");
        assertThat(reader.main()).containsText("8 → -1 is below the minimum 0.");
        reader.choose(reader.button("Add"));
        assertThat(reader.alert()).containsText("The value is 8, its min is 0.");
        reader.context().grantPermissions(List.of("clipboard-read", "clipboard-write"));
        String requestId = reader.alert().locator("code").textContent();
        reader.choose(reader.button("Copy request id"));
        assertThat(reader.message()).containsText("clipboard");
        assertThat(reader.page().evaluate("navigator.clipboard.readText()")).isEqualTo(requestId);
        assertThat(client.value("shop/add")).isEqualTo(8);
    }

    @Test
    void amountMustBeANumber(People people) {
        client.increment("shop/typed", 1);
        Person reader = reader(people, "shop/typed");
        reader.tabTo(reader.field("Amount"));
        for (String text : List.of("1.5", "1,5")) {
            reader.type(text);
            reader.press("Enter");
            assertThat(reader.field("Amount")).isFocused();
            assertThat(reader.field("Amount")).hasAttribute("aria-invalid", "true");
            assertThat(reader.field("Amount")).hasAccessibleDescription(Pattern.compile("must be a whole number"));
        }
        assertThat(client.value("shop/typed")).isEqualTo(1);
        reader.type("1,500");
        reader.press("Enter");
        assertThat(value(reader)).hasText("1,501");
    }

    @Test
    void writeWithoutAResponseOfTallyCountsOnce(People people) {
        client.increment("shop/once", 10);
        Person reader = reader(people, "shop/once");
        reader.page()
                .route(
                        "**/increments",
                        route -> {
                            assertThat(route.fetch().status()).isEqualTo(200);
                            route.fulfill(new FulfillOptions()
                                    .setContentType("text/html")
                                    .setBody("<title>Proxy</title>"));
                        },
                        new Page.RouteOptions().setTimes(1));
        reader.tabTo(reader.field("Amount"));
        reader.type("5");
        reader.press("Enter");
        assertThat(reader.alert()).containsText("The outcome is unknown.");
        assertThat(value(reader)).hasText("15");

        reader.press("Enter");
        assertThat(reader.message()).containsText("The first request had been applied already");
        assertThat(reader.alert()).hasCount(0);
        assertThat(client.value("shop/once")).isEqualTo(15);
    }

    @Test
    void readerSetsValueAndBoundsByKeyboard(People people) {
        client.increment("shop/set", 3);
        Person reader = reader(people, "shop/set");
        reader.tabTo(reader.field("Value"));
        reader.type("70");
        reader.choose(reader.button("Set"));
        assertThat(value(reader)).hasText("70");

        reader.tabTo(reader.field("Maximum"));
        reader.type("100");
        reader.tabTo(reader.field("Minimum"));
        reader.type("0");
        reader.choose(reader.button("Change bounds"));
        assertThat(reader.region("Value")).containsText("70 of 100");
        JsonNode stored = client.get("/v1/counters/shop/set").json();
        assertThat(stored.path("value").asLong()).isEqualTo(70);
        assertThat(stored.path("min").asLong()).isZero();
        assertThat(stored.path("max").asLong()).isEqualTo(100);
    }

    @Test
    void secondOfTwoEditorsSeesBothStates(People people) {
        client.increment("shop/both", 10);
        Person slow = reader(people, "shop/both");
        Person fast = reader(people, "shop/both");
        slow.tabTo(slow.field("Value"));
        slow.type("33");
        fast.tabTo(fast.field("Value"));
        fast.type("21");
        fast.choose(fast.button("Set"));
        assertThat(value(fast)).hasText("21");
        // The second one is warned already, and sets it all the same.
        assertThat(value(slow)).hasText("21");

        slow.expect(412);
        slow.choose(slow.button("Set"));
        assertThat(slow.alert()).isVisible();
        Locator conflict = slow.alert().getByRole(AriaRole.TABLE);
        assertThat(conflict).containsText("10");
        assertThat(conflict).containsText("33");
        assertThat(conflict).containsText("21");
        assertThat(slow.field("Value")).hasValue("33");
        assertThat(client.value("shop/both")).isEqualTo(21);
        slow.requireAccessible();
        slow.requireNoOverflow();
        slow.picture("conflict");

        slow.choose(slow.button("Set"));
        assertThat(value(fast)).hasText("33");
        assertThat(slow.alert()).hasCount(0);
    }

    @Test
    void secondOfTwoEditorsOfBoundsLosesNothing(People people) {
        client.put("shop/bounds", "{\"initial\":1,\"min\":0,\"max\":10}");
        Person slow = reader(people, "shop/bounds");
        slow.tabTo(slow.field("Maximum"));
        slow.type("20");
        assertThat(client.send("PATCH", "/v1/counters/shop/bounds", "{\"max\":15}", "If-Match", "*")
                        .status())
                .isEqualTo(200);
        slow.expect(412);
        slow.choose(slow.button("Change bounds"));
        assertThat(slow.alert()).containsText("15");
        assertThat(slow.alert()).containsText("20");
        assertThat(slow.field("Maximum")).hasValue("20");
        slow.choose(slow.button("Change bounds"));
        assertThat(slow.region("Value")).containsText("of 20");
    }

    @Test
    void secondOfTwoEditorsKeepsTheBoundOfTheFirst(People people) {
        client.put("shop/kept", "{\"initial\":5,\"min\":0,\"max\":10}");
        Person slow = reader(people, "shop/kept");
        slow.tabTo(slow.field("Minimum"));
        slow.type("1");
        assertThat(client.send("PATCH", "/v1/counters/shop/kept", "{\"max\":15}", "If-Match", "*")
                        .status())
                .isEqualTo(200);
        slow.expect(412);
        slow.choose(slow.button("Change bounds"));
        assertThat(slow.alert().getByRole(AriaRole.ROW).nth(2)).hasText("Maximum10–15");
        assertThat(slow.field("Maximum")).hasValue("15");
        slow.choose(slow.button("Change bounds"));
        assertThat(slow.region("Value")).containsText("between 1 and 15");
    }

    /** Each increment moves the version, so that a form of a busy counter always has an old one. */
    @Test
    void boundsOfABusyCounterCanBeChanged(People people) {
        client.increment("shop/busy", 1);
        Person reader = reader(people, "shop/busy");
        reader.tabTo(reader.field("Maximum"));
        reader.type("100");
        reader.expect(412);
        // Two patches, and the reads after them.
        reader.page()
                .route(
                        "**/v1/counters/shop/busy",
                        route -> {
                            client.increment("shop/busy", 1);
                            route.resume();
                        },
                        new Page.RouteOptions().setTimes(4));
        reader.choose(reader.button("Change bounds"));
        assertThat(reader.region("Value")).containsText("5 of 100");
        assertThat(reader.alert()).hasCount(0);
    }

    @Test
    void numbersBeyondThoseOfJavaScriptAreExact(People people) {
        client.increment("shop/large", BEYOND_DOUBLE);
        Person reader = reader(people, "shop/large");
        assertThat(value(reader)).hasText("9,007,199,254,740,993");
        assertThat(reader.table("Values seen")).containsText("9,007,199,254,740,993");
        reader.tabTo(reader.field("Amount"));
        reader.type("1");
        assertThat(reader.main()).containsText("9,007,199,254,740,993 → 9,007,199,254,740,994");
        reader.press("Enter");
        assertThat(value(reader)).hasText("9,007,199,254,740,994");
        assertThat(client.value("shop/large")).isEqualTo(BEYOND_DOUBLE + 1);

        reader.tabTo(reader.field("Value"));
        reader.type(String.valueOf(Long.MIN_VALUE));
        reader.choose(reader.button("Set"));
        assertThat(value(reader)).hasText("-9,223,372,036,854,775,808");
        assertThat(client.value("shop/large")).isEqualTo(Long.MIN_VALUE);

        reader.open("/console/#/counters/shop");
        assertThat(reader.table("Counters of shop")).containsText("-9,223,372,036,854,775,808");
    }

    @Test
    void valueIsLiveUntilPaused(People people) {
        client.increment("shop/live", 1);
        Person reader = reader(people, "shop/live");
        assertThat(value(reader)).hasText("1");
        client.increment("shop/live", 1);
        assertThat(value(reader)).hasText("2");
        // Someone who fills in a form keeps the focus and the text.
        reader.tabTo(reader.field("Amount"));
        reader.type("12");
        client.increment("shop/live", 1);
        assertThat(value(reader)).hasText("3");
        assertThat(reader.field("Amount")).isFocused();
        assertThat(reader.field("Amount")).hasValue("12");
        assertThat(reader.page().locator("main [aria-live]:not([aria-live=off])"))
                .hasCount(0);

        reader.choose(reader.button("Pause"));
        assertThat(reader.main()).containsText("Paused");
        client.increment("shop/live", 10);
        // This reader is not paused, and so knows when the change has arrived.
        Person other = reader(people, "shop/live");
        assertThat(value(other)).hasText("13");
        client.increment("shop/live", 1);
        assertThat(value(other)).hasText("14");
        assertThat(value(reader)).hasText("3");
        reader.choose(reader.button("Resume"));
        assertThat(value(reader)).hasText("14");
    }

    /** A proxy without an instance may answer so. */
    @Test
    void notFoundOfAProxyDoesNotMeanThatTheCounterIsAbsent(People people) {
        client.increment("shop/proxied", 3);
        Person reader = people.person(server.uri());
        reader.expect(404);
        String requests = "**/v1/counters/shop/proxied**";
        reader.page().route(requests, route -> route.fulfill(new FulfillOptions().setStatus(404)));
        reader.open("/console/#/counters/shop/proxied");
        assertThat(reader.main()).containsText("Reconnecting");
        assertThat(reader.alert()).containsText("404");
        assertThat(reader.main()).not().containsText("does not exist");

        reader.page().unroute(requests);
        assertThat(value(reader)).hasText("3");
        assertThat(reader.alert()).hasCount(0);
    }

    /** The operator may have set a longer time between heartbeats than the page expects. */
    @Test
    void streamThatWasSilentGetsMoreTime(People people) throws SQLException {
        try (TallyServer silent =
                TallyServer.start(Postgres.shared().createDatabase(), "tally.watch.heartbeat", "10m")) {
            new TallyClient(silent.uri()).increment("shop/silent", 1);
            Person reader = people.person(silent.uri());
            reader.page().clock().install();
            reader.open("/console/#/counters/shop/silent");
            Locator mark = reader.main().getByText("Live", new Locator.GetByTextOptions().setExact(true));
            assertThat(mark).isVisible();
            reader.page()
                    .waitForRequest("**/events?**", () -> reader.page().clock().runFor("01:00"));
            assertThat(mark).isVisible();
            int before = reader.requests();
            reader.page().clock().runFor("01:30");
            assertThat(reader.requests()).isEqualTo(before);
            assertThat(mark).isVisible();
            reader.expectOutage();
        }
    }

    @Test
    void counterIsDeletedByTypingItsName(People people) {
        client.increment("shop/doomed", 1);
        Person reader = reader(people, "shop/doomed");
        reader.tabTo(reader.field("Type the name to delete"));
        reader.type("doom");
        reader.choose(reader.button("Delete counter"));
        assertThat(reader.field("Type the name to delete")).hasAttribute("aria-invalid", "true");
        assertThat(client.value("shop/doomed")).isEqualTo(1);

        reader.expect(404);
        reader.tabTo(reader.field("Type the name to delete"));
        reader.type("doomed");
        reader.choose(reader.button("Delete counter"));
        assertThat(reader.message()).containsText("deleted");
        assertThat(reader.main()).containsText("curl -X POST");
        // The button that had the focus is gone.
        assertThat(reader.heading("doomed")).isFocused();
        assertThat(client.get("/v1/counters/shop/doomed").status()).isEqualTo(404);
    }

    @Test
    void membersAreListed(People people) {
        client.send("PUT", "/v1/counters/shop/likes/members/ann", "");
        client.send("PUT", "/v1/counters/shop/likes/members/%3Cb%3Eben", "");
        Person reader = reader(people, "shop/likes");
        assertThat(value(reader)).hasText("2");
        assertThat(reader.table("Members")).containsText("ann");
        assertThat(reader.table("Members")).containsText("<b>ben");
        // The members are what changes it.
        assertThat(reader.button("Add")).hasCount(0);
        client.send("PUT", "/v1/counters/shop/likes/members/cleo", "");
        assertThat(value(reader)).hasText("3");
        assertThat(reader.table("Members")).containsText("cleo");
    }

    @Test
    void periodAndItsEndAreSaid(People people) {
        client.put("shop/quota", "{\"initial\":0,\"max\":100,\"period\":{\"every\":\"P1D\"}}");
        client.increment("shop/quota", 5);
        Person reader = reader(people, "shop/quota");
        assertThat(reader.region("Value")).containsText("P1D");
        assertThat(reader.table("Periods")).isVisible();
        // Tokyo is 9 h ahead of UTC, where the day ends; the hover text has UTC.
        Locator end = reader.region("Value").locator("time[title$=' 00:00:00.000 UTC']");
        assertThat(end).containsText("09:00:00");
        assertThat(reader.page().locator("footer")).containsText("Asia/Tokyo");
    }
}
