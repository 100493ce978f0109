/** Every meter and health figure, on Micrometer and the Actuator. */
@NullMarked
package io.tally.telemetry;

import org.jspecify.annotations.NullMarked;
