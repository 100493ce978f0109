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
import io.netty.util.concurrent.ImmediateEventExecutor;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.springframework.context.SmartLifecycle;
import org.springframework.context.event.ContextClosedEvent;
import org.springframework.context.event.EventListener;
import reactor.netty.NettyPipeline;
import reactor.netty.http.server.HttpServer;

/**
 * Drains connections when the application stops, so that every request that is begun is answered. Each response says
 * {@code Connection: close}, no new connection is accepted, and each connection is closed after its last response.
 *
 * <p>The web server's own graceful stop, which comes in a later phase and finds nothing left, asks from another thread
 * whether a connection is idle. By the time it is closed a request may have been read, and would be applied and not
 * answered; and one whose request ends in that moment would stay open.
 *
 * <p>What is still on the wire when an idle connection is closed is never read, and so not applied.
 */
final class ConnectionDrainer implements SmartLifecycle {

    private static final String NAME = "tally-connection-drainer";

    /**
     * A connection is idle when it was not used for so long since the stop began: else its next request is about to
     * come, and its response can say so. Longer than the pause of clients that send one request after the other.
     */
    private static final Duration IDLE = Duration.ofMillis(100);

    private static final Object LEAVE = new Object();

    private final ChannelGroup listening = new DefaultChannelGroup(ImmediateEventExecutor.INSTANCE);
    private final ChannelGroup connections = new DefaultChannelGroup(ImmediateEventExecutor.INSTANCE);
    private volatile boolean running;
    /** Whether each answer is its connection's last. */
    private volatile boolean last;
    /** Whether nobody is let in, and idle connections are closed. */
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
            // Came in the last moment, and perhaps after those that are waited for were counted.
            shut(channel);
        }
    }

    @SuppressWarnings("FutureReturnValueIgnored") // whoever waits, waits for the group
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

    /** Behind the handler that decides whether a connection is kept, which learns of it from the answer's header. */
    private final class Connection extends ChannelDuplexHandler {

        /** Requests whose answer is not complete. */
        private int open;

        /** Whether there was a request since somebody last looked. */
        private boolean used;

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            if (message instanceof HttpRequest) {
                open++;
                used = true;
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
                open--;
                if (leaving) {
                    // The answer had begun before it was to be the last.
                    lookAgain(context);
                }
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

        @SuppressWarnings("FutureReturnValueIgnored") // nobody waits for a look
        private void lookAgain(ChannelHandlerContext context) {
            used = false;
            context.executor().schedule(() -> closeWhenIdle(context), IDLE.toNanos(), TimeUnit.NANOSECONDS);
        }

        private void closeWhenIdle(ChannelHandlerContext context) {
            if (used) {
                lookAgain(context);
            } else if (open == 0) {
                context.channel().config().setAutoRead(false);
                // After whatever is still to be taken by the socket; past the handlers that know of no answer to write.
                context.pipeline()
                        .context(NettyPipeline.HttpCodec)
                        .writeAndFlush(Unpooled.EMPTY_BUFFER)
                        .addListener(ChannelFutureListener.CLOSE);
            }
        }
    }
}
