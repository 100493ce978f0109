/** The only package that sees R2DBC: statements, connections and what their failures mean. */
@NullMarked
package io.tally.postgres;

import org.jspecify.annotations.NullMarked;
