/** The domain model: counters, operations and outcomes. Depends on the JDK only. */
@NullMarked
package io.tally.counter;

import org.jspecify.annotations.NullMarked;
