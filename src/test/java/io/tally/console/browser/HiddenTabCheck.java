package io.tally.console.browser;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;

import com.microsoft.playwright.Request;
import com.microsoft.playwright.Route.FulfillOptions;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyServer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A page that is not seen asks for nothing. The clock of the page is the test's. */
@Timeout(180)
@ExtendWith(Chromium.class)
class HiddenTabCheck {

    /** A headless browser shows all of its pages, so the test says that this one is hidden. */
    private static final String HIDE = """
            hidden => {
              Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });
              Object.defineProperty(document, 'visibilityState',
                { value: hidden ? 'hidden' : 'visible', configurable: true });
              document.dispatchEvent(new Event('visibilitychange'));
            }
            """;

    private static final TallyServer SERVER = TallyServer.shared();
    private static final TallyClient CLIENT = new TallyClient(SERVER.uri());

    @Test
    void booksAreReadOnlyWhileTheyAreSeen(People people) {
        Person reader = people.person(SERVER.uri());
        reader.page().clock().install();
        reader.open("/console/");
        assertThat(reader.table("Lanes")).isVisible();
        reader.page()
                .waitForResponse(
                        "**/console/status", () -> reader.page().clock().runFor("00:30"));

        reader.page().evaluate(HIDE, true);
        int before = reader.requests();
        reader.page().clock().runFor("01:00:00");
        assertThat(reader.requests()).isEqualTo(before);

        reader.page().waitForResponse("**/console/status", () -> reader.page().evaluate(HIDE, false));
    }

    @Test
    void pendingListIsReadOnlyWhileThePageIsSeen(People people) {
        String pending = "{\"type\":\"/problems/list-pending\",\"title\":\"The list is pending\",\"status\":503}";
        FulfillOptions response = new FulfillOptions().setStatus(503).setBody(pending);
        response.setContentType("application/problem+json");
        Person reader = people.person(SERVER.uri());
        reader.expect(503);
        reader.page().clock().install();
        reader.page().route("**/v1/counters/hidden?**", route -> route.fulfill(response));
        reader.open("/console/#/counters/hidden?sort=-value");
        assertThat(reader.alert()).containsText("The list is pending");

        reader.page().evaluate(HIDE, true);
        int before = reader.requests();
        reader.page().clock().runFor("01:00:00");
        assertThat(reader.requests()).isEqualTo(before);

        reader.page()
                .waitForRequest("**/v1/counters/hidden?**", () -> reader.page().evaluate(HIDE, false));
    }

    @ParameterizedTest
    @ValueSource(strings = {"/console/#/counters/hidden/a", "/console/#/counters/hidden?live=1"})
    void streamEndsWhileThePageIsHidden(String screen, People people) {
        CLIENT.increment("hidden/a", 1);
        Person reader = people.person(SERVER.uri());
        reader.page().clock().install();
        Request stream = reader.page().waitForRequest("**/events?**", () -> reader.open(screen));
        assertThat(reader.main().getByText("Live").last()).isVisible();

        reader.page().evaluate(HIDE, true);
        assertThat(reader.main()).containsText("Paused");
        int before = reader.requests();
        reader.page().clock().runFor("01:00:00");
        assertThat(reader.requests()).isEqualTo(before);
        assertThat(stream.failure()).isEqualTo("net::ERR_ABORTED");

        CLIENT.increment("hidden/a", 1);
        String now = String.valueOf(CLIENT.value("hidden/a"));
        reader.page().waitForRequest("**/events?**", () -> reader.page().evaluate(HIDE, false));
        assertThat(reader.main().getByText(now).first()).isVisible();
    }
}
