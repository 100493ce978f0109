/**
 * The lost-update lab: runs the counting strategies of applications on the database, and measures their lost updates,
 * duplicates and costs.
 */
@NullMarked
package io.tally.lab;

import org.jspecify.annotations.NullMarked;
