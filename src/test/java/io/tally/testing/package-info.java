/** What tests need around the service: databases to use, to kill and to freeze, and a network to cut. */
@org.jspecify.annotations.NullMarked
package io.tally.testing;
