/** Results stored under idempotency keys, replays, and the removal of rows after their retention. */
@NullMarked
package io.tally.idempotency;

import org.jspecify.annotations.NullMarked;
