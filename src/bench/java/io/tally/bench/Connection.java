package io.tally.bench;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpStatusClass;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.LastHttpContent;
import org.jspecify.annotations.Nullable;

/** A connection of an {@link OpenLoop}: one request at a time. */
@SuppressWarnings("FutureReturnValueIgnored") // a write or a close that fails ends in channelInactive
final class Connection extends SimpleChannelInboundHandler<HttpObject> {

    private static final long NONE = -1;

    private final OpenLoop load;
    private @Nullable Channel channel;
    private long due = NONE;
    private boolean isOk;
    private boolean stays;

    Connection(OpenLoop load) {
        this.load = load;
    }

    /** Sends a request that was due then. */
    void send(ByteBuf request, long due) {
        Channel open = channel;
        if (open == null) {
            throw new IllegalStateException("not open");
        }
        this.due = due;
        open.writeAndFlush(request.duplicate(), open.voidPromise());
    }

    @Override
    public void channelActive(ChannelHandlerContext context) {
        channel = context.channel();
        load.ready(this);
    }

    @Override
    protected void channelRead0(ChannelHandlerContext context, HttpObject part) {
        if (part.decoderResult().isFailure()) {
            // No end follows what is not HTTP.
            context.close();
            return;
        }
        if (part instanceof HttpResponse response) {
            isOk = response.status().codeClass() == HttpStatusClass.SUCCESS;
            stays = HttpUtil.isKeepAlive(response);
        }
        if (part instanceof LastHttpContent) {
            if (due == NONE) {
                // Webdis sometimes responds twice to one request. The second response answers no other request.
                return;
            }
            answered();
            if (stays) {
                load.ready(this);
            } else {
                context.close();
            }
        }
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        if (due != NONE) {
            isOk = false;
            answered();
        }
        load.closed(this);
    }

    /** A connection that breaks is one that closes. */
    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable failure) {
        context.close();
    }

    private void answered() {
        long answered = due;
        due = NONE;
        load.answered(answered, isOk);
    }
}
