/** Whether the documentation says what the code does. */
@org.jspecify.annotations.NullMarked
package io.tally.console;
