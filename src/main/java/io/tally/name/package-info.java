/** Names and their ids: get-or-create in bulk, one id for each name. */
@NullMarked
package io.tally.name;

import org.jspecify.annotations.NullMarked;
