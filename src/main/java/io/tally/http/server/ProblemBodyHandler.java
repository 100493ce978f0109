package io.tally.http.server;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandler.Sharable;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import io.netty.channel.ChannelPromise;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.tally.http.ProblemType;
import io.tally.http.Problems;
import io.tally.http.RequestId;
import org.springframework.http.MediaType;
import org.springframework.http.ProblemDetail;
import tools.jackson.databind.json.JsonMapper;

/**
 * Adds a problem body to errors that the server answers before a route sees the request: a long request line, large
 * header fields, an invalid URI, a request time-out.
 */
@Sharable
final class ProblemBodyHandler extends ChannelOutboundHandlerAdapter {

    static final String NAME = "tally-problem-bodies";

    private final JsonMapper json;

    ProblemBodyHandler(JsonMapper json) {
        this.json = json;
    }

    @Override
    public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) throws Exception {
        super.write(
                context,
                message instanceof FullHttpResponse response && isBareError(response)
                        ? withBody(response, RequestId.of(context.channel()))
                        : message,
                promise);
    }

    private static boolean isBareError(FullHttpResponse response) {
        return response.status().code() >= 400
                && !response.content().isReadable()
                && !response.headers().contains(HttpHeaderNames.CONTENT_TYPE);
    }

    private FullHttpResponse withBody(FullHttpResponse bare, String requestId) {
        ProblemType type = ProblemType.ofStatus(bare.status().code());
        ProblemDetail problem = Problems.problem(type, type.explanation());
        problem.setProperty(RequestId.NAME, requestId);
        ByteBuf body = Unpooled.wrappedBuffer(json.writeValueAsBytes(problem));
        FullHttpResponse response = new DefaultFullHttpResponse(
                bare.protocolVersion(), bare.status(), body, bare.headers(), bare.trailingHeaders());
        response.headers()
                .set(RequestId.HEADER, requestId)
                .set(HttpHeaderNames.CACHE_CONTROL, HttpHeaderValues.NO_CACHE)
                .set(HttpHeaderNames.CONTENT_TYPE, MediaType.APPLICATION_PROBLEM_JSON_VALUE)
                .set(HttpHeaderNames.CONTENT_LENGTH, body.readableBytes())
                .set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE);
        bare.release();
        return response;
    }
}
