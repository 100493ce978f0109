/**
 * Members of counters: who likes, who voted, who was there. They move through the lanes; here are their routes and
 * reads.
 */
@NullMarked
package io.tally.member;

import org.jspecify.annotations.NullMarked;
