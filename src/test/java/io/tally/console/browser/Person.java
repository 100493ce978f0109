package io.tally.console.browser;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import com.deque.html.axecore.playwright.AxeBuilder;
import com.deque.html.axecore.results.Rule;
import com.microsoft.playwright.BrowserContext;
import com.microsoft.playwright.ConsoleMessage;
import com.microsoft.playwright.Locator;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.Page.EmulateMediaOptions;
import com.microsoft.playwright.Page.ScreenshotOptions;
import com.microsoft.playwright.Request;
import com.microsoft.playwright.Response;
import com.microsoft.playwright.options.AriaRole;
import com.microsoft.playwright.options.ScreenshotCaret;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.assertj.core.api.SoftAssertions;

/**
 * A person at a browser: one page, in a profile of its own. Listeners note what must not happen in any test: an error
 * on the browser's console (a violation of the security policy is one), a request to another origin, a response with an
 * error that the test does not expect.
 */
final class Person implements AutoCloseable {

    /** Where pictures of pages go. */
    static final Path PICTURES = Path.of("target", "console");

    /** The tags of the rules of axe that belong to WCAG 2.2 AA. The others are good practice. */
    private static final List<String> RULES =
            List.of("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice");

    /** Chromium writes it for each response with an error; the statuses are looked at apart. */
    private static final Pattern STATUS_LINE =
            Pattern.compile("Failed to load resource: the server responded with a status of .*", Pattern.DOTALL);

    private static final int TABS_MAX = 100;

    private static final String STORED = """
            async () => [...Object.keys(localStorage), ...Object.keys(sessionStorage), document.cookie,
              ...(await indexedDB.databases()).map(database => database.name), ...(await caches.keys())]
              .filter(entry => entry !== '')
            """;

    /** Empty where the element with the focus is in sight and is marked as having it. */
    private static final String FOCUS_FAULT = """
            () => {
              const element = document.activeElement;
              if (element === null || element === document.body) return '';
              const style = getComputedStyle(element);
              const box = element.getBoundingClientRect();
              const marked = (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0)
                || style.boxShadow !== 'none';
              const inSight = box.bottom > 0 && box.right > 0 && box.top < innerHeight && box.left < innerWidth;
              return marked && inSight ? '' : (marked ? 'out of sight: ' : 'not marked: ') + element.outerHTML;
            }
            """;

    private final BrowserContext context;
    private final URI origin;
    private final Page page;
    private final List<String> faults = new ArrayList<>();
    private final Set<Integer> expected = new TreeSet<>();
    private final List<String> origins = new ArrayList<>();
    private int requests;
    private boolean outageExpected;

    Person(BrowserContext context, URI origin) {
        this.context = context;
        this.origin = origin;
        origins.add(origin + "/");
        context.onConsoleMessage(this::note);
        context.onWebError(error -> faults.add("error of the page: " + error.error()));
        context.onRequest(this::note);
        context.onResponse(this::note);
        context.onRequestFailed(this::noteFailed);
        page = context.newPage();
    }

    private void note(ConsoleMessage message) {
        boolean bad = message.type().equals("error") || message.type().equals("warning");
        boolean noted = STATUS_LINE.matcher(message.text()).matches()
                || (outageExpected && message.text().startsWith("Failed to load resource: net::"));
        if (bad && !noted) {
            faults.add(message.type() + " on the console: " + message.text() + " at " + message.location());
        }
    }

    private void note(Request request) {
        requests++;
        if (origins.stream().noneMatch(request.url()::startsWith)) {
            faults.add("request to another origin: " + request.url());
        }
    }

    private void note(Response response) {
        if (response.status() >= 400 && !expected.contains(response.status())) {
            faults.add(response.status() + ": " + response.request().method() + " " + response.url());
        }
    }

    private void noteFailed(Request request) {
        // The page itself gives up what it no longer needs.
        if (!outageExpected && !request.failure().equals("net::ERR_ABORTED")) {
            faults.add(request.failure() + ": " + request.method() + " " + request.url());
        }
    }

    /** Responses with this status are part of the test. */
    void expect(int status) {
        expected.add(status);
    }

    /** Requests to URLs that begin so are part of the test. */
    void expectOrigin(String start) {
        origins.add(start);
    }

    /** How many requests the browser has sent. */
    int requests() {
        return requests;
    }

    /** From now on, requests may fail for want of an instance. */
    void expectOutage() {
        outageExpected = true;
        expect(502);
        expect(503);
    }

    Page page() {
        return page;
    }

    BrowserContext context() {
        return context;
    }

    /** Opens an address of the origin, such as {@code /console/#/counters}. */
    void open(String path) {
        page.navigate(origin + path);
    }

    Locator button(String name) {
        return page.getByRole(
                AriaRole.BUTTON, new Page.GetByRoleOptions().setName(name).setExact(true));
    }

    Locator link(String name) {
        return page.getByRole(
                AriaRole.LINK, new Page.GetByRoleOptions().setName(name).setExact(true));
    }

    Locator heading(String name) {
        return page.getByRole(
                AriaRole.HEADING, new Page.GetByRoleOptions().setName(name).setExact(true));
    }

    /** The table with this caption. */
    Locator table(String caption) {
        return page.getByRole(
                AriaRole.TABLE, new Page.GetByRoleOptions().setName(caption).setExact(true));
    }

    /** The field of a form with this label. */
    Locator field(String label) {
        return page.locator("input, select, textarea")
                .and(page.getByLabel(label, new Page.GetByLabelOptions().setExact(true)));
    }

    /** A landmark with this name. */
    Locator region(String name) {
        return page.getByRole(
                AriaRole.REGION, new Page.GetByRoleOptions().setName(name).setExact(true));
    }

    /** What the screen shows, without the frame around it. */
    Locator main() {
        return page.getByRole(AriaRole.MAIN);
    }

    /** The region of short messages, which screen readers read. */
    Locator message() {
        return page.getByRole(AriaRole.STATUS);
    }

    /** A problem, which screen readers read at once. */
    Locator alert() {
        return page.getByRole(AriaRole.ALERT);
    }

    /** Presses a key, as {@code Enter}. */
    void press(String key) {
        page.keyboard().press(key);
    }

    /** Types where the focus is, instead of what the field has. */
    void type(String text) {
        press("ControlOrMeta+a");
        page.keyboard().type(text);
    }

    /** Moves the focus to an element by the Tab key. At each stop, the focus must be seen. */
    void tabTo(Locator target) {
        assertThat(target).isVisible();
        for (int i = 0; i <= TABS_MAX; i++) {
            if (hasFocus(target)) {
                return;
            }
            press("Tab");
            assertThat((String) page.evaluate(FOCUS_FAULT)).as("the focus").isEmpty();
        }
        fail("No Tab key leads to " + target);
    }

    /** Activates an element by the keyboard. */
    void choose(Locator target) {
        tabTo(target);
        press("Enter");
    }

    private static boolean hasFocus(Locator target) {
        return (boolean) target.evaluate("element => element === document.activeElement");
    }

    /** Axe finds nothing on the page. */
    void requireAccessible() {
        List<Rule> violations = new AxeBuilder(page).withTags(RULES).analyze().getViolations();
        assertThat(violations)
                .as("axe on %s", page.url())
                .extracting(rule -> rule.getId() + " " + rule.getNodes())
                .isEmpty();
    }

    /** Nothing is wider than the window. */
    void requireNoOverflow() {
        Object wider = page.evaluate("""
                () => {
                  const root = document.documentElement;
                  return root.scrollWidth <= root.clientWidth ? [] : [...document.querySelectorAll('body *')]
                    .filter(element => element.getBoundingClientRect().right > root.clientWidth)
                    .map(element => element.tagName + '.' + element.className);
                }
                """);
        assertThat(wider).as("wider than the window on %s", page.url()).isEqualTo(List.of());
    }

    /**
     * Axe finds nothing, everything fits, targets are large enough and nothing moves, in both themes and widths. Stores
     * a picture of each.
     */
    void requireInEveryLook(String picture) {
        for (Look look : List.of(
                Look.WIDE,
                Look.WIDE.dark(),
                Look.WIDE.narrow(),
                Look.WIDE.narrow().dark())) {
            page.emulateMedia(new EmulateMediaOptions().setColorScheme(look.scheme()));
            page.setViewportSize(look.width(), Look.HEIGHT);
            requireNoOverflow();
            requireAccessible();
            requireTargets();
            picture(picture + "-" + look.width() + "-" + look.scheme().name().toLowerCase(Locale.ROOT));
        }
        assertThat(page.evaluate("document.getAnimations().length"))
                .as("animations, with reduced motion")
                .isEqualTo(0);
    }

    /** What is clicked has at least 24 pixels each way, other than links within a sentence. */
    private void requireTargets() {
        Object small = page.evaluate("""
                () => [...document.querySelectorAll('button, input, select, textarea, nav a, summary')]
                  .map(element => [element.closest('label') ?? element, element])
                  .filter(([target]) => target.checkVisibility())
                  .map(([target, element]) => [target.getBoundingClientRect(), element.outerHTML])
                  .filter(([box]) => box.width < 24 || box.height < 24)
                  .map(([box, html]) => `${box.width} x ${box.height}: ${html}`)
                """);
        assertThat(small).as("targets that are too small on %s", page.url()).isEqualTo(List.of());
    }

    /** Stores a picture of the window as {@code target/console/<name>.png}. */
    void picture(String name) {
        page.screenshot(
                // To hide the caret, Playwright would add a style that the security policy forbids.
                new ScreenshotOptions().setPath(PICTURES.resolve(name + ".png")).setCaret(ScreenshotCaret.INITIAL));
    }

    /** What holds at the end of every test. Forgets what it has found. */
    void requireClean(SoftAssertions always) {
        always.assertThat(List.copyOf(faults)).as("seen by the browser").isEmpty();
        faults.clear();
        if (page.url().startsWith(origin + "/")) {
            always.assertThat(page.evaluate(STORED)).as("stored in the browser").isEqualTo(List.of());
        }
    }

    @Override
    public void close() {
        context.close();
    }
}
