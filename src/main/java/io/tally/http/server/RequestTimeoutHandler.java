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
 * Ends requests that take too long to arrive: all of it may take so long, or, of a stream, the next bytes of those that
 * were asked for. Also ends streams whose client does not read the answers, and streams of events of which the client
 * has taken nothing for so long; where nothing is sent, nothing has to be taken. (Reactor Netty's own time limit is for
 * all of every request, and would end each long stream.)
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
    /** When something last went forward. */
    private long lastNanos;
    /** Whether the answer is a stream of events. */
    private boolean events;
    /** What was written of it and the socket has not taken. */
    private int untaken;
    /** When the socket last took some of it, or there was nothing to take. */
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

    /** A request that arrived all at once needs no timer. */
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
            // The rest of the request would be taken for the next one.
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

    /** What the socket took at once needs no timer. */
    @Override
    public void flush(ChannelHandlerContext context) throws Exception {
        super.flush(context);
        if (untaken > 0 && timer == null) {
            schedule(context, timeout.toNanos());
        }
    }

    /** Whether it is an answer before the answer, as {@code 100 Continue} is. */
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
            // It was told before, or has its answer, or does not read it.
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

    /** Whether the next step is not the client's: an answer is missing, or no more was asked for. */
    private boolean isServiceSlow(ChannelHandlerContext context) {
        return !arriving || open > 1 || (stream && !context.channel().config().isAutoRead());
    }

    @SuppressWarnings("FutureReturnValueIgnored") // nobody waits for it
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
