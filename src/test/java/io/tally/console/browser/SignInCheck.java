package io.tally.console.browser;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;

import com.microsoft.playwright.APIResponse;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.Route.FulfillOptions;
import com.microsoft.playwright.options.Cookie;
import com.microsoft.playwright.options.RequestOptions;
import com.microsoft.playwright.options.SameSiteAttribute;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyServer;
import java.sql.SQLException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** The sign-in, the sign-out, and what a cookie alone cannot do. */
@Timeout(180)
@ExtendWith(Chromium.class)
class SignInCheck {

    private static KeyedTally tally;

    @BeforeAll
    static void start() throws SQLException {
        tally = KeyedTally.start();
        tally.client().increment("shop/stock", 5);
    }

    @AfterAll
    static void stop() {
        tally.close();
    }

    @Test
    void readerSignsInAndOutByKeyboard(People people) {
        Person reader = people.person(tally.uri());
        reader.expect(401);
        reader.open("/console/#/counters/shop");
        assertThat(reader.heading("Sign in")).isVisible();
        assertThat(reader.button("Sign out")).hasCount(0);

        reader.tabTo(reader.field("Access key"));
        reader.type(tally.key("reader", "*", "read"));
        reader.press("Enter");

        // The screen that was asked for.
        assertThat(reader.heading("shop")).isVisible();
        assertThat(reader.table("Counters of shop")).containsText("stock");
        Cookie cookie = onlyCookie(reader);
        assertThat(cookie.name).isEqualTo("tally-session");
        assertThat(cookie.path).isEqualTo("/");
        assertThat(cookie.httpOnly).isTrue();
        assertThat(cookie.sameSite).isEqualTo(SameSiteAttribute.STRICT);
        assertThat(cookie.expires).as("ends with the browser").isEqualTo(-1);

        reader.choose(reader.button("Sign out"));
        assertThat(reader.heading("Sign in")).isVisible();
        assertThat(reader.context().cookies()).isEmpty();
        reader.page().reload();
        assertThat(reader.heading("Sign in")).isVisible();
    }

    private static Cookie onlyCookie(Person person) {
        assertThat(person.context().cookies()).hasSize(1);
        return person.context().cookies().getFirst();
    }

    @Test
    void wrongKeyIsRefusedWithTheIdOfTheRequest(People people) {
        Person stranger = people.person(tally.uri());
        stranger.expect(401);
        stranger.open("/console/");
        stranger.tabTo(stranger.field("Access key"));
        stranger.choose(stranger.button("Sign in"));
        assertThat(stranger.page().getByText("Enter an access key.")).isVisible();

        stranger.tabTo(stranger.field("Access key"));
        stranger.type("tly_wrong");
        stranger.press("Enter");
        assertThat(stranger.alert()).containsText("401");
        assertThat(stranger.alert().locator("code")).not().isEmpty();
        assertThat(stranger.field("Access key")).hasValue("tly_wrong");
        assertThat(stranger.context().cookies()).isEmpty();
    }

    @Test
    void cookieThatDoesNotArriveIsExplained(People people) {
        Person reader = people.person(tally.uri());
        reader.expect(401);
        reader.open("/console/");
        reader.page().route("**/console/session", route -> route.fulfill(new FulfillOptions().setStatus(204)));
        reader.tabTo(reader.field("Access key"));
        reader.type(tally.key("cookieless", "*", "read"));
        reader.press("Enter");
        assertThat(reader.alert()).containsText("The session cookie does not work");
        assertThat(reader.alert()).containsText("X-Forwarded-Prefix");
        assertThat(reader.button("Sign out")).hasCount(0);
    }

    @Test
    void startNamesTheProblem(People people) {
        Person anyone = people.person(TallyServer.shared().uri());
        anyone.expect(403);
        anyone.page()
                .route(
                        "**/v1/caller",
                        route -> route.fulfill(new FulfillOptions()
                                .setStatus(403)
                                .setContentType("text/html")
                                .setBody("<title>Proxy</title>")),
                        new Page.RouteOptions().setTimes(1));
        anyone.open("/console/");
        assertThat(anyone.heading("Status 403")).isVisible();
        anyone.choose(anyone.button("Try again"));
        assertThat(anyone.heading("Books")).isVisible();
    }

    @Test
    void revokedKeyEndsTheSession(People people) {
        Person reader = people.person(tally.uri());
        TallyClient.Answer created = tally.create("leaver", "*", "read");
        reader.expect(401);
        tally.signIn(reader, created.json().path("key").asString());
        assertThat(reader.table("Lanes")).isVisible();

        tally.client().send("DELETE", "/v1/keys/" + created.json().path("id").asString(), "");

        assertThat(reader.heading("Sign in")).isVisible();
        assertThat(reader.message()).containsText("The session has ended");
        assertThat(reader.button("Sign out")).hasCount(0);
    }

    @Test
    void sessionIsInEachTabAndNoneLearnsTheKey(People people) {
        Person admin = people.person(tally.uri());
        tally.signIn(admin, KeyedTally.ROOT_KEY);
        Page other = admin.context().newPage();
        other.navigate(tally.uri() + "/console/");
        assertThat(other.getByText("The books balance", new Page.GetByTextOptions().setExact(true)))
                .isVisible();
        for (Page page : admin.context().pages()) {
            assertThat(page.evaluate("document.cookie")).isEqualTo("");
            assertThat(page.content()).doesNotContain(KeyedTally.ROOT_KEY);
        }
    }

    /** Ports are origins, but one site: the browser sends the cookie with a form of another port. */
    @Test
    void formOfAnotherOriginCannotWrite(People people) {
        Person admin = people.person(tally.uri());
        tally.signIn(admin, KeyedTally.ROOT_KEY);
        admin.expect(403);
        String other = "http://127.0.0.1:1/";
        admin.expectOrigin(other);
        admin.context()
                .route(
                        other,
                        route -> route.fulfill(new FulfillOptions()
                                .setContentType("text/html")
                                .setBody("<title>Other</title><form method=post enctype=text/plain action=\""
                                        + tally.uri() + "/v1/counters/shop/stock/increments\"></form>")));
        admin.page().navigate(other);
        admin.page().evaluate("document.forms[0].submit()");
        admin.page().waitForURL("**/increments");
        assertThat(admin.page().content()).contains("\"status\":403");

        APIResponse withoutField = admin.context().request().post(tally.uri() + "/v1/counters/shop/stock/increments");
        assertThat(withoutField.status()).isEqualTo(403);
        assertThat(tally.client().value("shop/stock")).isEqualTo(5);

        // What makes the difference is the field.
        APIResponse withField = admin.context()
                .request()
                .post(
                        tally.uri() + "/v1/counters/shop/forged/increments",
                        RequestOptions.create().setHeader("Tally-Console", "true"));
        assertThat(withField.status()).isEqualTo(200);
    }

    @Test
    void modesWithoutCredentialsHaveNoSignIn(People people) {
        Person anyone = people.person(TallyServer.shared().uri());
        anyone.open("/console/");
        assertThat(anyone.heading("Books")).isVisible();
        assertThat(anyone.button("Check now")).isVisible();
        assertThat(anyone.button("Sign out")).hasCount(0);
        assertThat(anyone.context().cookies()).isEmpty();
        // Nor keys to manage.
        assertThat(anyone.link("Counters")).isVisible();
        assertThat(anyone.link("Keys")).hasCount(0);
    }
}
