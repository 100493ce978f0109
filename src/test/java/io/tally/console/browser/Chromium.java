package io.tally.console.browser;

import com.microsoft.playwright.Browser;
import com.microsoft.playwright.BrowserType.LaunchOptions;
import com.microsoft.playwright.Playwright;
import com.microsoft.playwright.assertions.PlaywrightAssertions;
import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import org.junit.jupiter.api.extension.ExtensionContext.Store;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

/**
 * One Chromium for all classes, and the {@link People} of each test, who are its parameter. Playwright wants all calls
 * from the thread that started it, so the classes run one after the other.
 *
 * <p>The browser is the first of {@link #NAMES} on the {@code PATH}, or the file in {@code TALLY_TEST_CHROMIUM}.
 */
final class Chromium implements ParameterResolver, AfterEachCallback {

    private static final List<String> NAMES =
            List.of("chromium", "google-chrome-stable", "google-chrome", "chromium-browser");

    private static final Namespace NAMESPACE = Namespace.create(Chromium.class);

    /** A busy machine takes seconds for what an idle one does at once. */
    private static final double PATIENCE_MILLIS = 30_000;

    /** The process, which ends with the last class. */
    private record Running(Playwright playwright, Browser browser) implements AutoCloseable {

        static Running launch() {
            PlaywrightAssertions.setDefaultAssertionTimeout(PATIENCE_MILLIS);
            // The browsers of Playwright itself are not needed.
            Playwright playwright = Playwright.create(
                    new Playwright.CreateOptions().setEnv(Map.of("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1")));
            Browser browser = playwright
                    .chromium()
                    // Chromium has no sandbox in a container, nor for root.
                    .launch(new LaunchOptions().setExecutablePath(executable()).setChromiumSandbox(false));
            return new Running(playwright, browser);
        }

        @Override
        public void close() {
            browser.close();
            playwright.close();
        }
    }

    private static Path executable() {
        String named = System.getenv("TALLY_TEST_CHROMIUM");
        if (named != null) {
            return Path.of(named);
        }
        String[] directories = System.getenv().getOrDefault("PATH", "").split(File.pathSeparator);
        Optional<Path> found = NAMES.stream()
                .flatMap(name -> Arrays.stream(directories).map(directory -> Path.of(directory, name)))
                .filter(Files::isExecutable)
                .findFirst();
        return found.orElseThrow(
                () -> new IllegalStateException("The PATH must have a Chromium, under one of the names " + NAMES
                        + ", or TALLY_TEST_CHROMIUM name one"));
    }

    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext test) {
        return parameter.getParameter().getType() == People.class;
    }

    @Override
    public Object resolveParameter(ParameterContext parameter, ExtensionContext test) {
        Running running = test.getRoot()
                .getStore(NAMESPACE)
                .computeIfAbsent(Running.class, key -> Running.launch(), Running.class);
        String name = test.getRequiredTestClass().getSimpleName() + "-"
                + test.getRequiredTestMethod().getName();
        return store(test).computeIfAbsent(People.class, key -> new People(running.browser(), name), People.class);
    }

    /** Looks at what the listeners saw, unless the test has failed already. */
    @Override
    public void afterEach(ExtensionContext test) {
        People people = store(test).remove(People.class, People.class);
        if (people != null) {
            people.leave(test.getExecutionException().isPresent());
        }
    }

    private static Store store(ExtensionContext test) {
        return test.getStore(NAMESPACE);
    }
}
