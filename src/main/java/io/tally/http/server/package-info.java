/**
 * What Netty needs below the routes: configuration, time-outs, draining, broken chunks, and the direct way of plain
 * increments.
 */
@NullMarked
package io.tally.http.server;

import org.jspecify.annotations.NullMarked;
