/** The books must balance: what the counters hold against what the writers say they wrote. */
@NullMarked
package io.tally.audit;

import org.jspecify.annotations.NullMarked;
