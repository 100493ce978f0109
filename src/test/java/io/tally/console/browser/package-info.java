/** The console as people use it: in a real Chromium, which {@code .ci/console} installs where it is missing. */
@org.jspecify.annotations.NullMarked
package io.tally.console.browser;
