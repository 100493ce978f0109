/** Long work in small steps: started once, watched by many, gone on with after a restart. */
@NullMarked
package io.tally.job;

import org.jspecify.annotations.NullMarked;
