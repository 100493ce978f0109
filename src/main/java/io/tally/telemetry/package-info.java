/** All meters of the service, and the measurements and health of the pipeline. */
@NullMarked
package io.tally.telemetry;

import org.jspecify.annotations.NullMarked;
