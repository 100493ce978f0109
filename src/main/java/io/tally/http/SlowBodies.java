package io.tally.http;

import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.LastHttpContent;
import java.time.Duration;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;

/**
 * Ends requests that take too long to arrive: all of it may take so long, or, of a stream, the next bytes of those that were
 * asked for. (Reactor Netty's own time limit is for all of every request, and would end each long stream.)
 */
final class SlowBodies extends ChannelDuplexHandler {

    static final String NAME = "tally-slow-bodies";

    private final Duration timeout;
    private @Nullable Future<?> timer;
    private boolean arriving;
    private boolean stream;
    private boolean answered;
    private long lastNanos;

    SlowBodies(Duration timeout) {
        this.timeout = timeout;
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        if (message instanceof HttpRequest request) {
            arriving = true;
            answered = false;
            stream = isStream(request);
        }
        if (message instanceof LastHttpContent) {
            arriving = false;
            cancel();
        }
        lastNanos = System.nanoTime();
        context.fireChannelRead(message);
    }

    /** A request that arrived all at once needs no timer. */
    @Override
    public void channelReadComplete(ChannelHandlerContext context) {
        if (arriving && timer == null) {
            schedule(context, timeout.toNanos());
        }
        context.fireChannelReadComplete();
    }

    @Override
    public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) throws Exception {
        answered |= message instanceof LastHttpContent;
        super.write(context, message, promise);
    }

    @Override
    public void handlerRemoved(ChannelHandlerContext context) {
        cancel();
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        cancel();
        context.fireChannelInactive();
    }

    private void schedule(ChannelHandlerContext context, long nanos) {
        timer = context.executor().schedule(() -> expired(context), nanos, TimeUnit.NANOSECONDS);
    }

    private void cancel() {
        if (timer != null) {
            timer.cancel(false);
            timer = null;
        }
    }

    @SuppressWarnings("FutureReturnValueIgnored") // nobody waits for the close
    private void expired(ChannelHandlerContext context) {
        timer = null;
        long leftNanos = stream ? timeout.toNanos() - (System.nanoTime() - lastNanos) : 0;
        if (stream && !context.channel().config().isAutoRead()) {
            // It is the service that is slow.
            schedule(context, timeout.toNanos());
        } else if (leftNanos > 0) {
            schedule(context, leftNanos);
        } else if (answered) {
            context.close();
        } else {
            context.fireExceptionCaught(tooSlow());
        }
    }

    private static ProblemException tooSlow() {
        HttpHeaders headers = new HttpHeaders();
        headers.setConnection("close");
        return new ProblemException(ProblemType.REQUEST_TIMEOUT, ProblemType.REQUEST_TIMEOUT.explanation(), headers);
    }

    private static boolean isStream(HttpRequest request) {
        String type = request.headers().get(HttpHeaderNames.CONTENT_TYPE);
        return type != null
                && type.regionMatches(
                        true, 0, MediaType.APPLICATION_NDJSON_VALUE, 0, MediaType.APPLICATION_NDJSON_VALUE.length());
    }
}
