/** Names and their ids: get-or-create in bulk, one id for each name whoever asks for it first. */
@NullMarked
package io.tally.name;

import org.jspecify.annotations.NullMarked;
