package io.tally.console.browser;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tally.testing.TallyServer;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the other tests rely on: a page with a fault does not pass. */
@Timeout(180)
@ExtendWith(Chromium.class)
class PersonCheck {

    private static Person reader(People people) {
        Person reader = people.person(TallyServer.shared().uri());
        reader.open("/console/");
        assertThat(reader.table("Lanes")).isVisible();
        return reader;
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "image-alt      | document.querySelector('main').append(new Image())",
                "color-contrast | document.querySelector('h1').style.color = '#999'",
                "button-name    | document.querySelector('main').append(document.createElement('button'))",
                "label          | document.querySelector('main').append(document.createElement('input'))"
            })
    void axeFindsFaults(String rule, String script, People people) {
        Person reader = reader(people);
        reader.requireAccessible();
        reader.page().evaluate(script);
        assertThatThrownBy(reader::requireAccessible).hasMessageContaining(rule);
    }

    @Test
    void overflowIsFound(People people) {
        Person reader = reader(people);
        reader.requireNoOverflow();
        reader.page().evaluate("document.querySelector('h1').style.inlineSize = '1400px'");
        assertThatThrownBy(reader::requireNoOverflow).hasMessageContaining("H1");
    }

    @Test
    void focusThatIsNotSeenIsFound(People people) {
        Person reader = reader(people);
        reader.tabTo(reader.link("Books"));
        reader.page().evaluate("document.querySelector('nav a:last-child').style.outline = 'none'");
        assertThatThrownBy(() -> reader.tabTo(reader.button("Pause"))).hasMessageContaining("not marked");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "Content Security Policy | document.body.insertAdjacentHTML('beforeend', '<p style=\"color: red\">')",
                "Content Security Policy | fetch('http://127.0.0.1:1/').catch(() => 0)",
                "404: GET                | fetch('../v1/counters/no/where')",
                "error of the page       | setTimeout(() => { throw new Error('thrown') })",
                "on the console          | console.warn('a warning')",
                "stored in the browser   | localStorage.setItem('key', 'secret')",
                "stored in the browser   | document.cookie = 'key=secret'"
            })
    void listenersSeeFaults(String fault, String script, People people) {
        Person reader = reader(people);
        SoftAssertions clean = new SoftAssertions();
        reader.requireClean(clean);
        assertThat(clean.errorsCollected()).isEmpty();

        SoftAssertions faulty = new SoftAssertions();
        reader.page().evaluate("async () => { " + script + " }");
        // What the browser has seen until it responds has reached the listeners.
        reader.page().waitForCondition(() -> {
            reader.page().evaluate("0");
            reader.requireClean(faulty);
            return !faulty.errorsCollected().isEmpty();
        });
        assertThat(faulty.errorsCollected().toString()).contains(fault);
        reader.page().evaluate("localStorage.clear()");
        reader.context().clearCookies();
    }
}
