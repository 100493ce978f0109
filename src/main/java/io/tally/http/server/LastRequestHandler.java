package io.tally.http.server;

import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpUtil;

/**
 * Marks a request that is the last of its connection, and lets it look like any other. Reactor Netty drops such a
 * request without a response if it arrives before the request before it has ended, which includes some moments after
 * its response. {@link LastResponseHandler} has the connection closed after the response.
 */
final class LastRequestHandler extends ChannelInboundHandlerAdapter {

    static final String NAME = "tally-last-request";

    /** The connection option of a request that is the last. */
    static final String LAST = "tally-last";

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        if (message instanceof HttpRequest request && !HttpUtil.isKeepAlive(request)) {
            request.headers()
                    .set(HttpHeaderNames.CONNECTION, HttpHeaderValues.KEEP_ALIVE)
                    .add(HttpHeaderNames.CONNECTION, LAST);
        }
        context.fireChannelRead(message);
    }
}
