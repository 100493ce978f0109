/** What an operator sees of the service: metrics in Prometheus, alerts with their runbooks, a dashboard. */
@NullMarked
package io.tally.monitoring;

import org.jspecify.annotations.NullMarked;
