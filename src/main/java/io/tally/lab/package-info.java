/**
 * The lost-update lab: the ways applications count, on the database that is there, and what each loses, doubles or
 * costs.
 */
@NullMarked
package io.tally.lab;

import org.jspecify.annotations.NullMarked;
