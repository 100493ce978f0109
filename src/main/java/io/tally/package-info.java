@org.jspecify.annotations.NullMarked
package io.tally;
