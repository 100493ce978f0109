/** Routes, decoding of requests, and problems (RFC 9457) for everything that is refused. */
@NullMarked
package io.tally.http;

import org.jspecify.annotations.NullMarked;
