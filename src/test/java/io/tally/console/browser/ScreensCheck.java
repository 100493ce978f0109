package io.tally.console.browser;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;

import com.microsoft.playwright.Locator;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.options.AriaRole;
import io.tally.testing.Clients;
import io.tally.testing.TallyClient;
import java.sql.SQLException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Every screen in both themes, wide and narrow. */
@Timeout(300)
@ExtendWith(Chromium.class)
class ScreensCheck {

    private static final String LONG_NAME = "a-name-as-long-as-names-can-be-".repeat(4);

    private static KeyedTally tally;

    @BeforeAll
    static void start() throws SQLException, InterruptedException {
        tally = KeyedTally.start();
        TallyClient client = tally.client();
        client.put("shop/stock", "{\"initial\":482,\"min\":0,\"max\":500}");
        client.put("shop/quota", "{\"max\":1000,\"period\":{\"every\":\"P1D\",\"zone\":\"Europe/Berlin\"}}");
        client.increment("shop/quota", 250);
        client.increment("shop/views", 1_204_993);
        client.increment("shop/largest", Long.MAX_VALUE);
        client.increment("shop/" + LONG_NAME, -42);
        client.increment(LONG_NAME.substring(0, 60) + "/a", 1);
        client.send("PUT", "/v1/counters/shop/likes/members/ann", "");
        client.send("PUT", "/v1/counters/shop/likes/members/" + LONG_NAME, "");
        client.post("/v1/audits");
        tally.create("checkout", "shop-*", "read", "write");
        tally.create("dashboard", "*", "read");
        String run = client.send(
                        "POST", "/v1/lab/runs", "{\"strategy\":\"read-modify-write\",\"workers\":8,\"increments\":400}")
                .json()
                .path("id")
                .asString();
        Clients.await(
                "the run",
                Clients.PATIENCE,
                () -> client.get("/v1/lab/runs/" + run)
                        .json()
                        .path("state")
                        .asString()
                        .equals("done"));
    }

    @AfterAll
    static void stop() {
        tally.close();
    }

    @ParameterizedTest
    @CsvSource(
            quoteCharacter = '`',
            value = {
                "books, '', Books, Lanes",
                "namespaces, counters, Counters, Namespaces",
                "counters, counters/shop, shop, Counters of shop",
                "counters-live, counters/shop?sort=-value&live=1, shop, Counters of shop",
                "counter, counters/shop/stock, stock, Values seen",
                "counter-period, counters/shop/quota, quota, Periods",
                "counter-largest, counters/shop/largest, largest, Values seen",
                "counter-members, counters/shop/likes, likes, Members",
                "counter-long, counters/shop/LONG, LONG, Values seen",
                "keys, keys, Keys, Keys",
                "lab, lab, Lab, Runs"
            })
    void screenIsAccessibleAndFits(String picture, String place, String heading, String caption, People people) {
        Person reader = people.person(tally.uri());
        tally.signIn(reader, KeyedTally.ROOT_KEY);
        reader.open("/console/#/" + place.replace("''", "").replace("LONG", LONG_NAME));
        assertThat(reader.heading(heading.replace("LONG", LONG_NAME))).isVisible();
        assertThat(reader.table(caption)).isVisible();
        requireLandmarks(reader);
        reader.requireInEveryLook(picture);
    }

    @ParameterizedTest
    @CsvSource({
        "no-counters, counters?prefix=zzz, Counters",
        "no-rows, counters/void, void",
        "no-counter, counters/void/absent, absent",
        "no-screen, nowhere/at/all/there, There is no such screen"
    })
    void emptyScreenIsAccessibleAndFits(String picture, String place, String heading, People people) {
        Person reader = people.person(tally.uri());
        tally.signIn(reader, KeyedTally.ROOT_KEY);
        reader.expect(404);
        reader.open("/console/#/" + place);
        assertThat(reader.heading(heading)).isVisible();
        reader.requireInEveryLook(picture);
    }

    @ParameterizedTest
    @CsvSource({"sign-in, ''", "sign-in-refused, tly_wrong"})
    void signInIsAccessibleAndFits(String picture, String key, People people) {
        Person stranger = people.person(tally.uri());
        stranger.expect(401);
        stranger.open("/console/");
        assertThat(stranger.heading("Sign in")).isVisible();
        if (!key.isEmpty()) {
            stranger.field("Access key").fill(key);
            stranger.press("Enter");
            assertThat(stranger.alert()).isVisible();
        }
        stranger.requireInEveryLook(picture);
    }

    private static void requireLandmarks(Person reader) {
        Page page = reader.page();
        assertThat(page.getByRole(AriaRole.BANNER)).hasCount(1);
        assertThat(reader.main()).hasCount(1);
        assertThat(page.getByRole(AriaRole.NAVIGATION, new Page.GetByRoleOptions().setName("Screens")))
                .hasCount(1);
        assertThat(page.getByRole(AriaRole.HEADING, new Page.GetByRoleOptions().setLevel(1)))
                .hasCount(1);
        assertThat(page.locator("[aria-current=page]")).hasCount(1);
        assertThat(page.title()).endsWith("Tally").isNotEqualTo("Tally");
        for (Locator table : page.locator("table").all()) {
            assertThat(table.locator("caption")).hasCount(1);
            assertThat(table.locator("thead th:not([scope=col])")).hasCount(0);
            assertThat(table.locator("tbody th:not([scope=row])")).hasCount(0);
        }
    }
}
