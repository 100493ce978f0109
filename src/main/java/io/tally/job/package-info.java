/** Long work in small steps, which resumes after a restart, and its progress streams. */
@NullMarked
package io.tally.job;

import org.jspecify.annotations.NullMarked;
