package io.tally.http.server;

import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpRequest;
import io.tally.http.ProblemException;
import io.tally.http.ProblemType;
import io.tally.http.server.RequestMetrics.Abort;
import reactor.netty.channel.ChannelOperations;

/**
 * Tells a route when the body it reads breaks off, as an invalid chunk does. Reactor Netty answers 400 beside the route
 * and ends the body there, as if it were complete: the route would apply a request whose response is 400.
 */
final class InvalidChunkHandler extends ChannelInboundHandlerAdapter {

    static final String NAME = "tally-invalid-chunks";

    private final RequestMetrics metrics;

    InvalidChunkHandler(RequestMetrics metrics) {
        this.metrics = metrics;
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        if (message instanceof HttpContent content
                && !(message instanceof HttpRequest)
                && content.decoderResult().isFailure()) {
            content.release();
            metrics.aborted(Abort.INVALID_CHUNK);
            breakOff(context);
        } else {
            context.fireChannelRead(message);
        }
    }

    @SuppressWarnings("FutureReturnValueIgnored") // nothing follows
    private static void breakOff(ChannelHandlerContext context) {
        if (ChannelOperations.get(context.channel()) == null) {
            // The request has its response. Where the next one begins is not known.
            context.close();
        } else {
            context.fireExceptionCaught(
                    new ProblemException(ProblemType.MALFORMED, "The chunked encoding of the body is invalid."));
        }
    }
}
