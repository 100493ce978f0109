/** Audits of the books: the sum of the counters must equal the sum that the writers recorded. */
@NullMarked
package io.tally.audit;

import org.jspecify.annotations.NullMarked;
