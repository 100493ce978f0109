package io.tally.http.server;

import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpRequest;
import io.tally.http.ProblemException;
import io.tally.http.ProblemType;

/**
 * Tells a route when the body it reads breaks off, as an invalid chunk does. Reactor Netty answers 400 beside the route
 * and ends the body there, as if it were complete: the route would apply a request whose response is 400.
 */
final class InvalidChunkHandler extends ChannelInboundHandlerAdapter {

    static final String NAME = "tally-invalid-chunks";

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        if (message instanceof HttpContent content
                && !(message instanceof HttpRequest)
                && content.decoderResult().isFailure()) {
            content.release();
            context.fireExceptionCaught(
                    new ProblemException(ProblemType.MALFORMED, "The end of the body cannot be found."));
        } else {
            context.fireChannelRead(message);
        }
    }
}
