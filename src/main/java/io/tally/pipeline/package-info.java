/** The heart: operations come in one by one, leave in batches, and each caller gets the value after its own. */
@NullMarked
package io.tally.pipeline;

import org.jspecify.annotations.NullMarked;
