package io.tally.console.browser;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;

import com.microsoft.playwright.Locator;
import com.microsoft.playwright.Route;
import com.microsoft.playwright.options.AriaRole;
import io.tally.testing.Clients;
import io.tally.testing.TallyClient;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** The screen of access keys. */
@Timeout(180)
@ExtendWith(Chromium.class)
class KeysCheck {

    private static KeyedTally tally;

    @BeforeAll
    static void start() throws SQLException {
        tally = KeyedTally.start();
    }

    @AfterAll
    static void stop() {
        tally.close();
    }

    private static Person admin(People people) {
        Person admin = people.person(tally.uri());
        tally.signIn(admin, KeyedTally.ROOT_KEY);
        admin.choose(admin.link("Keys"));
        assertThat(admin.heading("Keys")).isFocused();
        return admin;
    }

    /** The row of a key. */
    private static Locator row(Person admin, String name) {
        return admin.table("Keys").getByRole(AriaRole.ROW).filter(new Locator.FilterOptions().setHasText(name));
    }

    private static Locator button(Person admin, String key, String name) {
        return row(admin, key)
                .getByRole(
                        AriaRole.BUTTON,
                        new Locator.GetByRoleOptions().setName(name).setExact(true));
    }

    private static Locator dialog(Person admin) {
        return admin.page().getByRole(AriaRole.DIALOG);
    }

    private static int status(String key) {
        return new TallyClient(tally.uri(), "Authorization", "Bearer " + key)
                .get("/v1/caller")
                .status();
    }

    @Test
    void keyIsCreatedByKeyboardAndShownOnce(People people) {
        Person admin = admin(people);
        admin.tabTo(admin.field("Name"));
        admin.type("checkout");
        admin.tabTo(admin.field("Namespaces"));
        admin.type("shop, shop-*");
        for (String action : List.of("read", "write")) {
            admin.tabTo(admin.page().locator("input[value=" + action + "]"));
            admin.press("Space");
        }
        admin.choose(admin.button("Create key"));

        Locator secret = admin.main().locator("pre").filter(new Locator.FilterOptions().setHasText("tly_"));
        assertThat(secret).hasCount(1);
        String key = secret.textContent().strip();
        assertThat(status(key)).isEqualTo(200);
        assertThat(admin.message()).containsText("this once");
        admin.context().grantPermissions(List.of("clipboard-read", "clipboard-write"));
        admin.choose(admin.button("Copy key"));
        assertThat(admin.message()).containsText("clipboard");
        assertThat(admin.page().evaluate("navigator.clipboard.readText()")).isEqualTo(key);
        assertThat(row(admin, "checkout")).containsText("read, write in shop, shop-*");
        admin.requireAccessible();

        admin.page().reload();
        assertThat(row(admin, "checkout")).isVisible();
        assertThat(admin.page().content()).doesNotContain(key);
    }

    @Test
    void keyIsRotatedByKeyboard(People people) {
        String old = tally.key("rotated", "*", "read");
        Person admin = admin(people);
        admin.choose(button(admin, "rotated", "Rotate"));
        assertThat(dialog(admin)).isVisible();
        admin.requireAccessible();
        // The default of the form is that of the API.
        assertThat(admin.field("Grace in seconds")).hasValue("86400");
        admin.tabTo(admin.field("Grace in seconds"));
        admin.type("3600");
        admin.press("Enter");
        assertThat(dialog(admin)).hasCount(0);
        Locator secret = admin.main().locator("pre").filter(new Locator.FilterOptions().setHasText("tly_"));
        String rotated = secret.textContent().strip();
        assertThat(rotated).isNotEqualTo(old);
        assertThat(status(rotated)).isEqualTo(200);
        assertThat(status(old)).isEqualTo(200);
    }

    /** The old secret ends, so the page must not lose the new one. */
    @Test
    void secretOfALateResponseIsShown(People people) {
        tally.key("late", "*", "read");
        Person admin = admin(people);
        List<Route> held = new ArrayList<>();
        admin.page().route("**/rotation", held::add);
        admin.choose(button(admin, "late", "Rotate"));
        admin.tabTo(admin.field("Grace in seconds"));
        admin.press("Enter");
        admin.page().waitForCondition(() -> !held.isEmpty());

        for (String key : List.of("Enter", "Escape", "Escape")) {
            admin.press(key);
        }
        assertThat(dialog(admin)).isVisible();
        admin.page().evaluate("history.back()");
        assertThat(admin.page()).hasTitle("Books · Tally");
        assertThat(dialog(admin)).isVisible();
        assertThat(held).hasSize(1);

        held.getFirst().resume();
        Locator secret = dialog(admin).locator("pre");
        assertThat(secret).containsText("tly_");
        assertThat(status(secret.textContent().strip())).isEqualTo(200);
        admin.requireAccessible();
        admin.choose(admin.button("Close"));
        assertThat(dialog(admin)).hasCount(0);
    }

    @Test
    void keyIsRevokedByKeyboard(People people) throws InterruptedException {
        String key = tally.key("revoked", "*", "read");
        Person admin = admin(people);
        admin.choose(button(admin, "revoked", "Revoke"));
        assertThat(dialog(admin)).isVisible();
        // Escape leaves everything as it is.
        admin.press("Escape");
        assertThat(dialog(admin)).hasCount(0);
        assertThat(button(admin, "revoked", "Revoke")).isFocused();
        assertThat(status(key)).isEqualTo(200);

        admin.press("Enter");
        admin.choose(dialog(admin)
                .getByRole(
                        AriaRole.BUTTON,
                        new Locator.GetByRoleOptions().setName("Revoke").setExact(true)));
        assertThat(admin.message()).containsText("revoked");
        assertThat(row(admin, "revoked")).containsText("Revoked");
        assertThat(button(admin, "revoked", "Revoke")).hasCount(0);
        Clients.await("401", Clients.PATIENCE, () -> status(key) == 401);
        // The button that had the focus is gone; the reader goes on from a place on the screen.
        assertThat(admin.page().evaluate("document.activeElement !== document.body"))
                .isEqualTo(true);
    }

    @Test
    void refusalOfTheApiIsShown(People people) {
        Person admin = admin(people);
        admin.expect(400);
        admin.tabTo(admin.field("Name"));
        admin.type("no spaces, please!");
        admin.tabTo(admin.field("Namespaces"));
        admin.type("shop");
        admin.tabTo(admin.page().locator("input[value=read]"));
        admin.press("Space");
        admin.choose(admin.button("Create key"));
        assertThat(admin.alert()).containsText("400");
        // What was typed is still there.
        assertThat(admin.field("Name")).hasValue("no spaces, please!");
        assertThat(admin.field("Namespaces")).hasValue("shop");
    }
}
