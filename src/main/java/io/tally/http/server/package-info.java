/**
 * What Netty needs below the routes: configuration, the gate in front of both ways, time-outs, draining, invalid
 * chunks, and the direct way of plain increments.
 */
@NullMarked
package io.tally.http.server;

import org.jspecify.annotations.NullMarked;
