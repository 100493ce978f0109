/** The console: its pages, the sessions of the people who use them, and the numbers of its first screen. */
@NullMarked
package io.tally.console;

import org.jspecify.annotations.NullMarked;
