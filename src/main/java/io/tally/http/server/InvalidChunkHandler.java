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
 * Signals an error to a route whose body has an invalid chunk. Reactor Netty itself answers 400 and completes the body
 * at that point: the route would apply a request whose response is 400.
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
            // The request has its response, and the start of the next request is unknown.
            context.close();
        } else {
            context.fireExceptionCaught(
                    new ProblemException(ProblemType.MALFORMED, "The chunked encoding of the body is invalid."));
        }
    }
}
