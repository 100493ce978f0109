/**
 * The members of counters, such as likes, votes and unique visitors: routes and reads. Lanes apply joins and leaves.
 */
@NullMarked
package io.tally.member;

import org.jspecify.annotations.NullMarked;
