/** Load generator and baseline of the measurements. */
@NullMarked
package io.tally.bench;

import org.jspecify.annotations.NullMarked;
