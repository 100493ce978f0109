/** What Tally is measured with, and held against. */
@NullMarked
package io.tally.bench;

import org.jspecify.annotations.NullMarked;
