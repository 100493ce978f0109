package io.tally.http.server;

import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpMessage;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpStatusClass;
import io.netty.handler.codec.http.LastHttpContent;
import io.tally.http.Bodies;
import io.tally.http.ProblemException;
import io.tally.http.ProblemType;
import io.tally.http.RequestId;
import io.tally.http.server.RequestMetrics.Abort;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;

/**
 * Ends requests whose client is too slow. The time-out applies to a whole request; in a stream, to the next requested
 * bytes. Also ends streams whose client does not read the responses, and event streams whose client reads no data for
 * the time-out while data is pending. (The read time-out of Reactor Netty applies to a whole request and would end
 * every long stream.)
 */
final class RequestTimeoutHandler extends ChannelDuplexHandler {

    static final String NAME = "tally-request-timeout";

    private static final Logger log = LoggerFactory.getLogger(RequestTimeoutHandler.class);

    private static final List<String> LINES =
            Bodies.LINES.stream().map(MediaType::toString).toList();

    private final Duration timeout;
    private final RequestMetrics metrics;
    private @Nullable Future<?> timer;
    private boolean arriving;
    private boolean stream;
    private boolean ended;
    /** Requests whose answer is not complete. */
    private int open;
    /** The time of the last progress. */
    private long lastNanos;
    /** Whether the response is an event stream. */
    private boolean events;
    /** The number of bytes written to it that the socket has not accepted. */
    private int untaken;
    /** The last time when the socket accepted bytes, or none were pending. */
    private long takenNanos;

    RequestTimeoutHandler(Duration timeout, RequestMetrics metrics) {
        this.timeout = timeout;
        this.metrics = metrics;
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        if (message instanceof HttpRequest request) {
            arriving = true;
            open++;
            stream = isStream(request);
        }
        if (message instanceof LastHttpContent) {
            arriving = false;
        }
        lastNanos = System.nanoTime();
        context.fireChannelRead(message);
    }

    /** A request that arrived completely needs no timer. */
    @Override
    public void channelReadComplete(ChannelHandlerContext context) {
        if (isTimed() && timer == null) {
            schedule(context, timeout.toNanos());
        } else if (!isTimed()) {
            cancel();
        }
        context.fireChannelReadComplete();
    }

    private boolean isTimed() {
        return arriving || (stream && open > 0) || untaken > 0;
    }

    @Override
    public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) throws Exception {
        boolean last = message instanceof LastHttpContent && !isInterim(message);
        open -= last ? 1 : 0;
        if (message instanceof HttpResponse response && !isInterim(message)) {
            events = isOfType(response, MediaType.TEXT_EVENT_STREAM_VALUE);
        }
        if (last && ended) {
            // Otherwise the server would parse the rest of the request as the next one.
            super.write(context, message, promise.unvoid().addListener(ChannelFutureListener.CLOSE));
        } else if (events) {
            takenNanos = untaken == 0 ? System.nanoTime() : takenNanos;
            untaken++;
            super.write(context, message, promise.unvoid().addListener(written -> taken()));
        } else {
            super.write(context, message, promise);
        }
        if (!isTimed()) {
            cancel();
        }
    }

    private void taken() {
        untaken--;
        takenNanos = System.nanoTime();
        if (!isTimed()) {
            cancel();
        }
    }

    /** Bytes that the socket accepted at once need no timer. */
    @Override
    public void flush(ChannelHandlerContext context) throws Exception {
        super.flush(context);
        if (untaken > 0 && timer == null) {
            schedule(context, timeout.toNanos());
        }
    }

    /** Whether it is an interim response, such as {@code 100 Continue}. */
    static boolean isInterim(Object message) {
        return message instanceof HttpResponse response
                && response.status().codeClass() == HttpStatusClass.INFORMATIONAL;
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext context) {
        lastNanos = System.nanoTime();
        context.fireChannelWritabilityChanged();
    }

    @Override
    public void handlerRemoved(ChannelHandlerContext context) {
        cancel();
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        cancel();
        if (arriving && !ended) {
            abort(context, Abort.DISCONNECT);
        }
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

    private void expired(ChannelHandlerContext context) {
        timer = null;
        long leftNanos = leftNanos();
        if (leftNanos > 0) {
            schedule(context, leftNanos);
        } else if (ended || open == 0 || untaken > 0 || !context.channel().isWritable()) {
            // The route has already got the error, has already answered, or does not read the body.
            close(context);
        } else if (isServiceSlow(context)) {
            schedule(context, timeout.toNanos());
        } else {
            ended = true;
            abort(context, Abort.TIMEOUT);
            schedule(context, timeout.toNanos());
            context.fireExceptionCaught(tooSlow());
        }
    }

    private void abort(ChannelHandlerContext context, Abort reason) {
        metrics.aborted(reason);
        RequestId.on(log.atDebug(), RequestId.of(context.channel()))
                .log("The client did not send the rest of a request: {}", reason);
    }

    private long leftNanos() {
        if (untaken > 0) {
            return timeout.toNanos() - (System.nanoTime() - takenNanos);
        }
        return stream ? timeout.toNanos() - (System.nanoTime() - lastNanos) : 0;
    }

    /** Whether the service is the slow side: a response is missing, or the service requested no more bytes. */
    private boolean isServiceSlow(ChannelHandlerContext context) {
        return !arriving || open > 1 || (stream && !context.channel().config().isAutoRead());
    }

    @SuppressWarnings("FutureReturnValueIgnored") // the result is not needed
    private static void close(ChannelHandlerContext context) {
        context.close();
    }

    private static ProblemException tooSlow() {
        HttpHeaders headers = new HttpHeaders();
        headers.setConnection("close");
        return new ProblemException(ProblemType.REQUEST_TIMEOUT, ProblemType.REQUEST_TIMEOUT.explanation(), headers);
    }

    private static boolean isStream(HttpRequest request) {
        for (String type : LINES) {
            if (isOfType(request, type)) {
                return true;
            }
        }
        return false;
    }

    private static boolean isOfType(HttpMessage message, String type) {
        String field = message.headers().get(HttpHeaderNames.CONTENT_TYPE);
        return field != null && field.regionMatches(true, 0, type, 0, type.length());
    }
}
