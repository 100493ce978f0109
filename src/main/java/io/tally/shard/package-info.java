/** Shards: what belongs to each, and the shard of a namespace. */
@NullMarked
package io.tally.shard;

import org.jspecify.annotations.NullMarked;
