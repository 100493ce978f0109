package io.tally.http.server;

import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.ImmediateEventExecutor;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.springframework.context.SmartLifecycle;
import org.springframework.context.event.ContextClosedEvent;
import org.springframework.context.event.EventListener;
import reactor.netty.NettyPipeline;
import reactor.netty.http.server.HttpServer;

/**
 * Drains connections at shutdown, so that every started request gets its response. Each response has {@code Connection:
 * close}, the server accepts no new connection, and it closes each connection after its last response.
 *
 * <p>The graceful shutdown of the web server runs in a later phase and finds no connection left. It would check from
 * another thread whether a connection is idle. Before it closes the connection, the connection may read a request,
 * which would be applied without a response. And a connection whose request ends in that moment would stay open.
 *
 * <p>Tally never reads bytes that arrive after it closed an idle connection, so it does not apply them.
 */
final class ConnectionDrainer implements SmartLifecycle {

    private static final String NAME = "tally-connection-drainer";

    /**
     * A connection without a request for this long since the shutdown began is idle. A shorter pause suggests that the
     * next request is about to arrive, and its response can carry {@code Connection: close}. Longer than the pause of
     * clients that send requests back to back.
     */
    private static final Duration IDLE = Duration.ofMillis(100);

    private static final Object LEAVE = new Object();

    private final ChannelGroup listening = new DefaultChannelGroup(ImmediateEventExecutor.INSTANCE);
    private final ChannelGroup connections = new DefaultChannelGroup(ImmediateEventExecutor.INSTANCE);
    private volatile boolean running;
    /** Whether each response is the last one of its connection. */
    private volatile boolean last;
    /** Whether the server refuses new connections and closes idle ones. */
    private volatile boolean leaving;

    /** The same server, observed. */
    HttpServer of(HttpServer server) {
        return server.doOnBound(bound -> listening.add(bound.channel()))
                .doOnChannelInit((observer, channel, address) -> letIn(channel));
    }

    private void letIn(Channel channel) {
        channel.pipeline().addAfter(NettyPipeline.HttpTrafficHandler, NAME, new Connection());
        connections.add(channel);
        if (leaving) {
            // Accepted in the last moment, perhaps after the shutdown collected the open connections.
            shut(channel);
        }
    }

    @SuppressWarnings("FutureReturnValueIgnored") // the shutdown waits for the whole group
    private static void shut(Channel channel) {
        channel.close();
    }

    @EventListener(ContextClosedEvent.class)
    void tell() {
        last = true;
    }

    @Override
    public void start() {
        running = true;
    }

    @Override
    public void stop() {
        stop(() -> {});
    }

    @Override
    public void stop(Runnable callback) {
        last = true;
        listening.close().addListener(closed -> leave(callback));
    }

    private void leave(Runnable callback) {
        leaving = true;
        connections.forEach(channel -> channel.pipeline().fireUserEventTriggered(LEAVE));
        connections.newCloseFuture().addListener(closed -> {
            running = false;
            callback.run();
        });
    }

    @Override
    public boolean isRunning() {
        return running;
    }

    /**
     * Comes after the handler that decides about keep-alive; that handler reads the header of the response. The handler
     * of direct increments comes before both, and calls the methods of this class.
     */
    final class Connection extends ChannelDuplexHandler {

        private @Nullable ChannelHandlerContext context;

        /** The requests without a complete response. */
        private int open;

        /** Whether a request arrived since the last check. */
        private boolean used;

        /** Whether the connection closes after the pending writes. */
        private boolean shut;

        @Override
        public void handlerAdded(ChannelHandlerContext context) {
            this.context = context;
        }

        /** Whether the connection is about to be closed, and no further request may begin. */
        boolean isShut() {
            return shut;
        }

        /** Whether each response is the last one of its connection. */
        boolean isLast() {
            return last;
        }

        /** A request began. */
        void began() {
            open++;
            used = true;
        }

        /** The response of a request is complete. */
        void ended() {
            open--;
            if (leaving && context != null) {
                // The response may have started before the shutdown, so without Connection: close.
                lookAgain(context);
            }
        }

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            if (shut) {
                ReferenceCountUtil.release(message);
                return;
            }
            if (message instanceof HttpRequest) {
                began();
            }
            context.fireChannelRead(message);
        }

        @Override
        public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) throws Exception {
            boolean interim = RequestTimeoutHandler.isInterim(message);
            if (last && !interim && message instanceof HttpResponse response) {
                response.headers().set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE);
            }
            super.write(context, message, promise);
            if (!interim && message instanceof LastHttpContent) {
                ended();
            }
        }

        @Override
        public void userEventTriggered(ChannelHandlerContext context, Object event) {
            if (event == LEAVE) {
                lookAgain(context);
            } else {
                context.fireUserEventTriggered(event);
            }
        }

        @SuppressWarnings("FutureReturnValueIgnored") // no one awaits a check
        private void lookAgain(ChannelHandlerContext context) {
            used = false;
            context.executor().schedule(() -> closeWhenIdle(context), IDLE.toNanos(), TimeUnit.NANOSECONDS);
        }

        private void closeWhenIdle(ChannelHandlerContext context) {
            if (used) {
                lookAgain(context);
            } else if (open == 0) {
                shut = true;
                context.channel().config().setAutoRead(false);
                // Closes after pending writes to the socket, and bypasses the handlers that expect a response.
                context.pipeline()
                        .context(NettyPipeline.HttpCodec)
                        .writeAndFlush(Unpooled.EMPTY_BUFFER)
                        .addListener(ChannelFutureListener.CLOSE);
            }
        }
    }
}
