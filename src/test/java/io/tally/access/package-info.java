@NullMarked
package io.tally.access;

import org.jspecify.annotations.NullMarked;
