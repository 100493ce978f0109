package io.tally.console.browser;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;

import com.microsoft.playwright.options.Cookie;
import io.tally.testing.Certificates;
import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** The console under a prefix of a proxy with TLS, in front of two instances. */
@Timeout(180)
@ExtendWith(Chromium.class)
class ProxyCheck {

    private static final String PREFIX = "/ops/tally";

    @TempDir
    private static Path directory;

    private static Certificates certificates;
    private static KeyedTally tally;

    @BeforeAll
    static void start() throws Exception {
        certificates = new Certificates(directory);
        certificates.authority("authority");
        certificates.issue("proxy", "authority", "RSA", "-ext", "san=ip:127.0.0.1");
        tally = KeyedTally.start();
        tally.client().increment("shop/stock", 5);
    }

    @AfterAll
    static void stop() {
        tally.close();
    }

    private static PrefixProxy proxy(URI... instances) throws Exception {
        return new PrefixProxy(PREFIX, certificates.certificateFile("proxy"), certificates.keyFile("proxy"), instances);
    }

    @Test
    void everythingIsUnderThePrefix(People people) throws Exception {
        try (PrefixProxy proxy = proxy(tally.uri())) {
            Person admin = people.person(proxy.uri());
            // Without the slash, too: the redirect is relative.
            KeyedTally.signIn(admin, PREFIX + "/console", KeyedTally.ROOT_KEY);
            assertThat(admin.page().url()).startsWith(proxy.uri() + PREFIX + "/console/");
            Cookie cookie = admin.context().cookies().getFirst();
            assertThat(cookie.path).isEqualTo(PREFIX + "/");
            assertThat(cookie.secure).isTrue();
            assertThat(cookie.httpOnly).isTrue();

            assertThat(admin.table("Lanes")).isVisible();
            admin.choose(admin.button("Check now"));
            assertThat(admin.message()).containsText("The books balance");
            admin.choose(admin.link("Counters"));
            admin.choose(admin.link("shop"));
            admin.choose(admin.link("stock"));
            admin.tabTo(admin.field("Amount"));
            admin.type("1");
            admin.press("Enter");
            assertThat(admin.table("Values seen")).containsText("6");
            admin.context().grantPermissions(List.of("clipboard-read", "clipboard-write"));
            admin.choose(admin.button("Copy as curl"));
            assertThat(admin.message()).containsText("clipboard");
            assertThat((String) admin.page().evaluate("navigator.clipboard.readText()"))
                    .contains(proxy.uri() + PREFIX + "/v1/counters/shop/stock");
            admin.choose(admin.link("Keys"));
            assertThat(admin.table("Keys")).isVisible();
            admin.choose(admin.link("Lab"));
            assertThat(admin.table("Runs")).isVisible();
            admin.page().reload();
            assertThat(admin.table("Runs")).isVisible();

            admin.choose(admin.button("Sign out"));
            assertThat(admin.heading("Sign in")).isVisible();
            assertThat(admin.context().cookies()).isEmpty();
            assertThat(proxy.strays()).isEmpty();
        }
    }

    @Test
    void pageStaysLiveWhileItsInstanceIsReplaced(People people) throws Exception {
        KeyedTally old = KeyedTally.start(tally.database());
        try (PrefixProxy proxy = proxy(old.uri(), tally.uri())) {
            Person reader = people.person(proxy.uri());
            KeyedTally.signIn(reader, PREFIX + "/console/", tally.key("watcher", "*", "read"));
            tally.client().increment("live/replaced", 1);
            reader.open(PREFIX + "/console/#/counters/live/replaced");
            assertThat(reader.region("Value")).containsText("1");
            Person table = people.person(proxy.uri());
            KeyedTally.signIn(table, PREFIX + "/console/", KeyedTally.ROOT_KEY);
            table.open(PREFIX + "/console/#/counters/live?live=1");
            assertThat(table.table("Counters of live")).containsText("replaced");
            Person books = people.person(proxy.uri());
            KeyedTally.signIn(books, PREFIX + "/console/", KeyedTally.ROOT_KEY);
            assertThat(books.table("Lanes")).isVisible();

            List.of(reader, table, books).forEach(Person::expectOutage);
            old.close();
            tally.client().increment("live/replaced", 41);

            assertThat(reader.region("Value")).containsText("42");
            assertThat(table.table("Counters of live")).containsText("42");
            tally.client().increment("live/replaced", 1);
            assertThat(reader.region("Value")).containsText("43");
            assertThat(table.table("Counters of live")).containsText("43");
            assertThat(books.alert()).hasCount(0);
            books.choose(books.button("Check now"));
            assertThat(books.message()).containsText("The books balance");
        } finally {
            old.close();
        }
    }

    /** While no instance is there, the page says so, and goes on by itself when one is. */
    @Test
    void pageRecoversFromAnOutage(People people) throws Exception {
        KeyedTally only = KeyedTally.start(tally.database());
        try (PrefixProxy proxy = proxy(only.uri())) {
            Person reader = people.person(proxy.uri());
            KeyedTally.signIn(reader, PREFIX + "/console/", tally.key("waiter", "*", "read"));
            tally.client().increment("live/waited", 1);
            reader.open(PREFIX + "/console/#/counters/live/waited");
            assertThat(reader.region("Value")).containsText("1");
            reader.expectOutage();
            // A short message is gone before an instance has closed all of its connections.
            Thread closing = Thread.ofVirtual().start(only::close);
            assertThat(reader.message()).containsText("The connection is lost");
            assertThat(reader.main()).containsText("Reconnecting");
            closing.join();

            tally.client().increment("live/waited", 6);
            proxy.replace(only.uri(), tally.uri());
            assertThat(reader.region("Value")).containsText("7");
            assertThat(reader.message()).containsText("live again");
        } finally {
            only.close();
        }
    }
}
