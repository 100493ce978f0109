package io.tally.console.browser;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;

import com.microsoft.playwright.Route.FulfillOptions;
import io.tally.testing.Database;
import io.tally.testing.Postgres;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyServer;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.Date;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** The first screen: whether the books are right. */
@Timeout(180)
@ExtendWith(Chromium.class)
class BooksCheck {

    private static Database database;
    private static TallyServer server;
    private static TallyClient client;

    @BeforeAll
    static void start() throws SQLException {
        database = Postgres.shared().createDatabase();
        server = TallyServer.start(database);
        client = new TallyClient(server.uri());
        client.increment("books/a", 40);
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    @Test
    void operatorAuditsByKeyboard(People people) {
        Person operator = people.person(server.uri());
        operator.open("/console/");
        assertThat(operator.table("Lanes")).containsText("0");
        assertThat(operator.table("Requests")).isVisible();
        assertThat(operator.table("Jobs")).containsText("No job is running.");
        // It is there before its first text, or a screen reader would not read that.
        assertThat(operator.message()).hasCount(1);
        assertThat(operator.message()).isEmpty();

        operator.choose(operator.button("Check now"));

        assertThat(operator.message()).containsText("The books balance");
        assertThat(operator.button("Check now")).isFocused();
        assertThat(operator.region("The last audit")).containsText("40");
        assertThat(operator.page().getByText(Pattern.compile("^(now|\\d+ s ago)$")))
                .isVisible();
        operator.picture("books-good");
    }

    /** In words, not in colour alone. */
    @Test
    void driftAndLossAreSaidInWords(People people) throws SQLException {
        Person operator = people.person(server.uri());
        operator.open("/console/");
        assertThat(operator.button("Check now")).isVisible();
        database.of("books").execute("update counter set value = value + 5 where name = 'a'");
        try {
            operator.choose(operator.button("Check now"));
            assertThat(operator.message()).containsText("The books do not balance");
            assertThat(operator.region("The last audit")).containsText("differ by +5");
            assertThat(operator.region("The last audit")).containsText("TallyDrift");
            operator.requireAccessible();
            operator.picture("books-drift");
        } finally {
            database.of("books").execute("update counter set value = value - 5 where name = 'a'");
        }
        operator.choose(operator.button("Check now"));
        assertThat(operator.message()).containsText("The books balance");
    }

    /** Waits for the response to the next read of the status. */
    private static void awaitStatus(Person reader) {
        reader.page()
                .waitForResponse(
                        "**/console/status", () -> reader.page().clock().runFor("00:10"));
    }

    /** Screen readers read a new alert at once. */
    @Test
    void alertStaysWhileTheStatusCannotBeRead(People people) {
        Person reader = people.person(server.uri());
        reader.page().clock().install();
        reader.open("/console/");
        assertThat(reader.main()).containsText("Answered by");
        reader.expect(502);
        reader.page().route("**/console/status", route -> route.fulfill(new FulfillOptions().setStatus(502)));
        awaitStatus(reader);
        assertThat(reader.alert()).isVisible();
        reader.alert().evaluate("alert => { alert.isFirst = true; }");
        // A read begins when the page has shown the one before.
        awaitStatus(reader);
        awaitStatus(reader);
        assertThat(reader.alert().evaluate("alert => alert.isFirst")).isEqualTo(true);
    }

    /** Each instance sees only its own losses. Behind a load balancer, another one answers the next request. */
    @Test
    void lossOfAnInstanceStaysWhenAnotherOneAnswers(People people) {
        assertThat(client.post("/v1/audits").status()).isEqualTo(200);
        Person operator = people.person(server.uri());
        operator.page().clock().install();
        operator.page().route("**/console/status", route -> {
            String renamed = route.fetch().text().replaceFirst("\"instance\":\"[^\"]*\"", "\"instance\":\"other/1\"");
            String lossy = renamed.replaceFirst("\"lostOperations\":\"?0\"?", "\"lostOperations\":\"5\"");
            route.fulfill(
                    new FulfillOptions().setContentType("application/json").setBody(lossy));
        });
        operator.open("/console/");
        assertThat(operator.region("The last audit")).containsText("5 operations that other/1 acknowledged");
        assertThat(operator.main()).containsText("Answered by other/1");

        operator.page().unroute("**/console/status");
        awaitStatus(operator);
        assertThat(operator.main()).not().containsText("Answered by other/1");
        assertThat(operator.region("The last audit")).containsText("5 operations that other/1 acknowledged");
    }

    @Test
    void auditIsNotLateByTheReadersClock(People people) {
        assertThat(client.post("/v1/audits").status()).isEqualTo(200);
        Person operator = people.person(server.uri());
        operator.page().clock().setFixedTime(Date.from(Instant.now().plus(Duration.ofHours(2))));
        operator.open("/console/");
        assertThat(operator.region("The last audit")).containsText("The books balance");
    }

    @Test
    void pauseStopsWhatMoves(People people) {
        Person operator = people.person(server.uri());
        operator.page().clock().install();
        operator.open("/console/");
        assertThat(operator.table("Lanes")).isVisible();
        operator.choose(operator.button("Pause"));
        assertThat(operator.message()).containsText("Paused");
        int before = operator.requests();
        operator.page().clock().runFor("10:00");
        assertThat(operator.requests()).isEqualTo(before);

        operator.choose(operator.button("Resume"));
        awaitStatus(operator);
    }
}
