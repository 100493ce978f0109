/**
 * The HTTP server below the routes: configuration, the request gate, time-outs, draining, invalid chunks, and the
 * direct path of plain increments.
 */
@NullMarked
package io.tally.http.server;

import org.jspecify.annotations.NullMarked;
