package io.tally.console.browser;

import com.microsoft.playwright.Browser;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import org.assertj.core.api.SoftAssertions;

/** The people who use the console in one test, each with a browser profile of their own. */
final class People {

    private final Browser browser;
    private final String test;
    private final List<Person> all = new ArrayList<>();

    People(Browser browser, String test) {
        this.browser = browser;
        this.test = test;
    }

    /** A person with a wide, light screen. */
    Person person(URI origin) {
        return person(origin, Look.WIDE);
    }

    Person person(URI origin, Look look) {
        Person person = new Person(browser.newContext(look.options()), origin);
        all.add(person);
        return person;
    }

    /** Closes all pages. Asserts what holds in every test, or keeps pictures of one that has failed. */
    void leave(boolean failed) {
        SoftAssertions always = new SoftAssertions();
        for (int i = 0; i < all.size(); i++) {
            Person person = all.get(i);
            if (failed) {
                person.picture("failed-" + test + "-" + i);
            } else {
                person.requireClean(always);
            }
            person.close();
        }
        always.assertAll();
    }
}
