/** The core: operations arrive singly and leave in batches, and each caller gets the value after its own operation. */
@NullMarked
package io.tally.pipeline;

import org.jspecify.annotations.NullMarked;
