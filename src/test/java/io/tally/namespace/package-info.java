/** Whether lists of namespaces are right. */
@org.jspecify.annotations.NullMarked
package io.tally.namespace;
