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
 * Has the connection closed after the response to its {@linkplain LastRequestHandler last request}, and adapts
 * responses to HTTP/1.0 requests. These have the version of the server (RFC 9112, section 2.3). They are not chunked,
 * since such a client cannot read chunks; the end of the connection ends the body. Comes after the handler that
 * serialises requests and closes connections.
 */
final class LastResponseHandler extends ChannelDuplexHandler {

    static final String NAME = "tally-last-response";

    /** Whether the current request is HTTP/1.0. */
    private boolean old;

    /** Whether the connection ends with the current request. */
    private boolean last;

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        if (message instanceof HttpRequest request) {
            old = request.protocolVersion().equals(HttpVersion.HTTP_1_0);
            last = old || request.headers().containsValue(HttpHeaderNames.CONNECTION, LastRequestHandler.LAST, false);
        }
        context.fireChannelRead(message);
    }

    @Override
    public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) throws Exception {
        if (last && message instanceof HttpResponse response && !RequestTimeoutHandler.isInterim(response)) {
            response.headers().set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE);
            if (old) {
                response.setProtocolVersion(HttpVersion.HTTP_1_1);
                response.headers().remove(HttpHeaderNames.TRANSFER_ENCODING);
            }
        }
        super.write(context, message, promise);
    }
}
