/** Tokens: random texts, each unique in its namespace while it is pending, and executed once. */
@NullMarked
package io.tally.token;

import org.jspecify.annotations.NullMarked;
