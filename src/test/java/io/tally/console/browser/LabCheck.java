package io.tally.console.browser;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;

import com.microsoft.playwright.Locator;
import com.microsoft.playwright.options.AriaRole;
import io.tally.testing.Postgres;
import io.tally.testing.TallyServer;
import java.sql.SQLException;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** The screen of the lab. */
@Timeout(180)
@ExtendWith(Chromium.class)
class LabCheck {

    private static TallyServer server;

    @BeforeAll
    static void start() throws SQLException {
        server = TallyServer.start(Postgres.shared().createDatabase(), "tally.lab.enabled", "true");
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    private static Person reader(People people) {
        Person reader = people.person(server.uri());
        reader.open("/console/");
        reader.choose(reader.link("Lab"));
        assertThat(reader.heading("Lab")).isFocused();
        return reader;
    }

    private static void choose(Person reader, String field, String option) {
        reader.tabTo(reader.field(field));
        // A list takes the first option that begins with what is typed.
        reader.page().keyboard().type(option);
        assertThat(reader.field(field)).hasValue(option);
    }

    @Test
    void runIsStartedByKeyboardAndShowsWhatIsLost(People people) {
        Person reader = reader(people);
        choose(reader, "Strategy", "read-modify-write");
        reader.tabTo(reader.field("Workers"));
        reader.type("8");
        reader.tabTo(reader.field("Increments"));
        reader.type("400");
        reader.choose(reader.button("Start run"));
        assertThat(reader.region("The last run")).containsText("400 of 400 increments: done.");
        assertThat(reader.region("The last run"))
                .containsText(Pattern.compile("\\d+ of 400 acknowledged increments were lost\\."));
        Locator row = reader.table("Runs").getByRole(AriaRole.ROW).nth(1);
        assertThat(row).containsText("read-modify-write");
        assertThat(row).containsText("done");
        reader.requireAccessible();
        reader.picture("lab-lost");
    }

    @Test
    void runIsStoppedByKeyboard(People people) {
        Person reader = reader(people);
        choose(reader, "Strategy", "table-lock");
        reader.tabTo(reader.field("Increments"));
        reader.type("1000000");
        reader.choose(reader.button("Start run"));
        assertThat(reader.button("Stop run")).isVisible();
        reader.choose(reader.button("Stop run"));
        assertThat(reader.region("The last run")).containsText("cancelled");
        assertThat(reader.button("Stop run")).hasCount(0);
    }
}
