package io.tally.http.server;

import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpVersion;

/**
 * Answers requests of HTTP/1.0: in the server's version (RFC 9112, section 2.3), without chunks, which such a client
 * cannot read, and with the end of the connection for the end of the body. Stands behind the handler that hands on one
 * request after the other and closes connections.
 */
final class Http10Handler extends ChannelDuplexHandler {

    static final String NAME = "tally-http-1.0";

    /** Whether the request that is being answered is one. */
    private boolean old;

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        if (message instanceof HttpRequest request) {
            old = request.protocolVersion().equals(HttpVersion.HTTP_1_0);
        }
        context.fireChannelRead(message);
    }

    @Override
    public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) throws Exception {
        if (old && message instanceof HttpResponse response) {
            response.setProtocolVersion(HttpVersion.HTTP_1_1);
            response.headers()
                    .remove(HttpHeaderNames.TRANSFER_ENCODING)
                    .set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE);
        }
        super.write(context, message, promise);
    }
}
