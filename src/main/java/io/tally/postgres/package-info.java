/**
 * Connections, sessions, the classification of failures, helpers for statements, and the counter store with its SQL.
 */
@NullMarked
package io.tally.postgres;

import org.jspecify.annotations.NullMarked;
