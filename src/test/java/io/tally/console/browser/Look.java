package io.tally.console.browser;

import com.microsoft.playwright.Browser.NewContextOptions;
import com.microsoft.playwright.options.ColorScheme;
import com.microsoft.playwright.options.ReducedMotion;

/**
 * The window, the theme and the scripts of a person.
 *
 * @param width of the window in CSS pixels
 */
record Look(int width, ColorScheme scheme, boolean script) {

    /** Of the window in CSS pixels. */
    static final int HEIGHT = 844;

    static final Look WIDE = new Look(1280, ColorScheme.LIGHT, true);

    Look narrow() {
        return new Look(390, scheme, script);
    }

    Look dark() {
        return new Look(width, ColorScheme.DARK, script);
    }

    Look withoutScript() {
        return new Look(width, scheme, false);
    }

    NewContextOptions options() {
        return new NewContextOptions()
                .setViewportSize(width, HEIGHT)
                .setColorScheme(scheme)
                .setReducedMotion(ReducedMotion.REDUCE)
                .setJavaScriptEnabled(script)
                // Numbers and times look the same on every machine.
                .setLocale("en-GB")
                .setTimezoneId("Asia/Tokyo")
                // The proxy of the tests has a certificate that it made itself.
                .setIgnoreHTTPSErrors(true);
    }
}
