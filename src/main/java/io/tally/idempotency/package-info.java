/** What is stored under an idempotency key, and what becomes of a request that comes with one. */
@NullMarked
package io.tally.idempotency;

import org.jspecify.annotations.NullMarked;
