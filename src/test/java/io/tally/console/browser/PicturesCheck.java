package io.tally.console.browser;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;

import com.microsoft.playwright.options.AriaRole;
import io.tally.testing.Postgres;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyServer;
import java.io.IOException;
import java.nio.file.Files;
import java.sql.SQLException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** The pictures of the documentation: {@code src/docs/images} has copies of those in {@code target/console}. */
@Timeout(180)
@ExtendWith(Chromium.class)
class PicturesCheck {

    private static final int SIZE_MAX_BYTES = 60_000;

    private static TallyServer server;
    private static TallyClient client;

    @BeforeAll
    static void start() throws SQLException {
        server = TallyServer.start(Postgres.shared().createDatabase());
        client = new TallyClient(server.uri());
        client.put("shop/stock", "{\"initial\":420,\"min\":0,\"max\":500}");
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    /** The clock of the page is the test's, so that a minute of changes takes a moment. */
    @Test
    void counterThatChanges(People people) throws IOException {
        Person reader = people.person(server.uri(), Look.WIDE);
        reader.page().setViewportSize(1024, 700);
        reader.page().clock().install();
        reader.open("/console/#/counters/shop/stock");
        assertThat(reader.table("Values seen")).containsText("420");
        long value = 420;
        for (long delta : new long[] {-12, -3, 40, -25, -8, 30, -4, 31, -2, -17, 9}) {
            reader.page().clock().runFor("00:05");
            client.increment("shop/stock", delta);
            value += delta;
            assertThat(reader.region("Value").getByRole(AriaRole.PARAGRAPH).first())
                    .hasText(String.valueOf(value));
        }
        reader.page().clock().runFor("00:04");
        assertThat(reader.table("Values seen").locator("tbody").getByRole(AriaRole.ROW))
                .hasCount(12);
        reader.picture("docs-counter");
        assertThat(Files.size(Person.PICTURES.resolve("docs-counter.png"))).isLessThan(SIZE_MAX_BYTES);
    }

    @Test
    void booksThatBalance(People people) throws IOException {
        Person reader = people.person(server.uri(), Look.WIDE);
        reader.page().setViewportSize(1024, 700);
        reader.open("/console/");
        assertThat(reader.table("Lanes")).isVisible();
        reader.choose(reader.button("Check now"));
        assertThat(reader.message()).containsText("The books balance");
        reader.page().evaluate("document.activeElement.blur()");
        reader.picture("docs-books");
        assertThat(Files.size(Person.PICTURES.resolve("docs-books.png"))).isLessThan(SIZE_MAX_BYTES);
    }
}
