package io.tally.http.server;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelConfig;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.ReferenceCountUtil;
import io.tally.counter.Outcome;
import io.tally.http.Bodies;
import io.tally.http.ProblemException;
import io.tally.http.RequestId;
import io.tally.http.server.RequestGate.Admitted;
import io.tally.http.server.RequestGate.Decision;
import io.tally.http.server.RequestGate.Refused;
import io.tally.http.server.RequestGate.Waiting;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import reactor.netty.http.IdleTimeoutHandler;

/**
 * Handles the plain increments of one connection, and passes on all other requests. Runs on the connection's event
 * loop.
 */
final class DirectIncrementHandler extends ChannelDuplexHandler {
    /*
     * One request at a time
     *
     * A client may send requests without waiting for the responses (RFC 9112, section 9.3.2), and expects the responses
     * in the order of the requests. So this handler handles an increment only while no request that it passed on lacks
     * its response. Reactor Netty serialises the requests that it gets. What arrives during an increment waits here.
     * The codec closes a connection with more than 128 requests that lack a response.
     *
     * Back-pressure
     *
     * Asking for each read of the socket takes two more system calls for a request. So while increments follow each
     * other, the socket is read automatically, until a request is passed on or too much waits. While the client does
     * not read its responses, no further increment begins.
     *
     * The idle time-out
     *
     * Reactor Netty removes its handler of the idle time-out during a request, and adds it with a new timer afterwards.
     * Increments remove that handler, too, but this one keeps one timer over many of them. Reactor Netty adds its
     * handler again after a request that was passed on.
     */

    static final String NAME = "tally-direct-increments";

    private static final byte[] NO_BODY = new byte[0];

    /** With more waiting parts of requests, the handler stops reading until none waits. */
    private static final int WAITING_MAX = 32;

    private final DirectIncrements increments;
    private final @Nullable Duration idleTimeout;
    private final Queue<Object> waiting = new ArrayDeque<>();
    private ConnectionDrainer.@Nullable Connection drained;

    /** The increment without a complete request or response. */
    private @Nullable Exchange current;

    /** The requests that were passed on and have no complete response. */
    private int passedOn;

    /** Whether the last response of the connection was that of such a request. Reactor Netty drops what follows. */
    private boolean passedLast;

    /** The number of increments so far, for their ids. */
    private long count;

    private boolean resuming;

    /** Whether this handler reads the socket and keeps the idle time-out, since the last request was an increment. */
    private boolean direct;

    /** The last read, response or progress of the client without an increment in progress. */
    private long idleSinceNanos;

    private @Nullable Future<?> idleTimer;

    /** Whether the last response of the connection was sent. */
    private boolean closing;

    /** @param idleTimeout the time after which a connection without a request is closed; {@code null} for never */
    DirectIncrementHandler(DirectIncrements increments, @Nullable Duration idleTimeout) {
        this.increments = increments;
        this.idleTimeout = idleTimeout;
    }

    @Override
    public void handlerAdded(ChannelHandlerContext context) {
        drained = context.pipeline().get(ConnectionDrainer.Connection.class);
    }

    @Override
    public void handlerRemoved(ChannelHandlerContext context) {
        discard();
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        current = null;
        closing = true;
        discard();
        context.fireChannelInactive();
    }

    private void discard() {
        waiting.forEach(ReferenceCountUtil::release);
        waiting.clear();
        if (idleTimer != null) {
            idleTimer.cancel(false);
            idleTimer = null;
        }
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        if (isClosing()) {
            ReferenceCountUtil.release(message);
        } else if (isBody(message) || (waiting.isEmpty() && isReady(context))) {
            handle(context, message);
        } else {
            waiting.add(message);
            if (waiting.size() > WAITING_MAX) {
                readAutomatically(context, false);
            }
        }
    }

    private static void readAutomatically(ChannelHandlerContext context, boolean automatic) {
        ChannelConfig config = context.channel().config();
        if (config.isAutoRead() != automatic) {
            config.setAutoRead(automatic);
        }
    }

    /** Whether it belongs to the increment that is arriving. */
    private boolean isBody(Object message) {
        return current != null && !current.received && message instanceof HttpContent;
    }

    private void handle(ChannelHandlerContext context, Object message) {
        if (current != null && message instanceof HttpContent content) {
            current.receive(content);
            return;
        }
        if (message instanceof HttpRequest request) {
            if (passedOn == 0 && !passedLast && PlainIncrement.isOne(request)) {
                begin(context, request);
                return;
            }
            passedOn++;
            leaveReading(context);
        }
        context.fireChannelRead(message);
    }

    /** From now on, Reactor Netty decides when to read. */
    private void leaveReading(ChannelHandlerContext context) {
        if (direct) {
            direct = false;
            readAutomatically(context, false);
        }
    }

    private void begin(ChannelHandlerContext context, HttpRequest request) {
        direct = true;
        IdleTimeoutHandler.removeIdleTimeoutHandler(context.pipeline());
        if (drained != null) {
            drained.began();
        }
        count++;
        Exchange exchange = new Exchange(context, request, count);
        current = exchange;
        exchange.decide();
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext context) {
        context.fireChannelReadComplete();
        if (current == null) {
            idleSinceNanos = System.nanoTime();
        }
        readNext(context);
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext context) {
        context.fireChannelWritabilityChanged();
        idleSinceNanos = System.nanoTime();
        resume(context);
    }

    /** Counts the responses of the requests that were passed on. */
    @Override
    public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) throws Exception {
        if (message instanceof HttpResponse response && !RequestTimeoutHandler.isInterim(message)) {
            passedLast |= !HttpUtil.isKeepAlive(response);
        }
        if (message instanceof LastHttpContent && !RequestTimeoutHandler.isInterim(message)) {
            passedOn = Math.max(passedOn - 1, 0);
        }
        super.write(context, message, promise);
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable failure) {
        Exchange exchange = current;
        if (exchange != null && !exchange.received && failure instanceof ProblemException) {
            exchange.fail(failure);
        } else {
            context.fireExceptionCaught(failure);
        }
    }

    /** Goes on with what waits, or reads further requests. */
    private void resume(ChannelHandlerContext context) {
        if (resuming || isClosing()) {
            return;
        }
        resuming = true;
        try {
            handleWaiting(context);
        } finally {
            resuming = false;
        }
        readNext(context);
    }

    /** Reads what follows an increment, unless too much waits. */
    private void readNext(ChannelHandlerContext context) {
        if (direct && waiting.isEmpty() && !isClosing()) {
            readAutomatically(context, true);
        }
    }

    private void handleWaiting(ChannelHandlerContext context) {
        boolean passed = false;
        for (Object next = waiting.peek(); next != null && (isBody(next) || isReady(context)); next = waiting.peek()) {
            waiting.remove();
            handle(context, next);
            passed |= passedOn > 0;
        }
        if (passed) {
            context.fireChannelReadComplete();
        }
    }

    /** Whether no further request may begin. */
    private boolean isClosing() {
        return closing || (drained != null && drained.isShut());
    }

    @SuppressWarnings("FutureReturnValueIgnored") // nothing follows
    private static void close(ChannelHandlerContext context) {
        context.close();
    }

    private boolean isReady(ChannelHandlerContext context) {
        return !isClosing()
                && current == null
                && (passedOn > 0 || context.channel().isWritable());
    }

    /** An increment and its response. */
    private final class Exchange {

        private final ChannelHandlerContext context;
        private final HttpRequest request;
        private final long number;
        private final long startNanos = System.nanoTime();
        private @Nullable String sentId;
        private HttpHeaders fields = HttpHeaders.EMPTY;
        private DirectIncrements.@Nullable Head head;
        private byte[] body = NO_BODY;
        private boolean received;
        private boolean applied;
        private boolean answered;

        Exchange(ChannelHandlerContext context, HttpRequest request, long number) {
            this.context = context;
            this.request = request;
            this.number = number;
        }

        void decide() {
            try {
                Decision decision = increments.decide(request);
                sentId = decision.requestId();
                decided(decision);
            } catch (Throwable failure) {
                fail(failure);
            }
        }

        private void decided(Decision decision) {
            if (current != this) {
                return;
            }
            switch (decision) {
                case Admitted admitted -> admit(admitted);
                case Refused refused -> fail(refused.problem());
                case Waiting pending ->
                    pending.decision()
                            .subscribe(
                                    done -> onEventLoop(() -> decided(done)),
                                    failure -> onEventLoop(() -> fail(failure)));
            }
        }

        private void admit(Admitted admitted) {
            fields = admitted.access().fields();
            try {
                head = increments.head(request, admitted.access());
                applyOnce();
            } catch (Throwable failure) {
                fail(failure);
            }
        }

        /** Takes a part of the body. After a refusal the rest of the body is dropped. */
        void receive(HttpContent content) {
            try {
                if (content.decoderResult().isFailure()) {
                    fail(Bodies.malformed("The body is malformed."));
                }
                append(content.content());
                received = content instanceof LastHttpContent;
                applyOnce();
            } catch (Throwable failure) {
                fail(failure);
            } finally {
                content.release();
            }
            end();
        }

        private void append(ByteBuf part) {
            int size = part.readableBytes();
            if (size > 0) {
                int end = body.length;
                body = Arrays.copyOf(body, end + size);
                part.readBytes(body, end, size);
            }
        }

        private void applyOnce() {
            if (head == null || !received || applied || answered) {
                return;
            }
            applied = true;
            increments
                    .outcome(Objects.requireNonNull(head), body)
                    .subscribe(
                            outcome -> onEventLoop(() -> answer(outcome)), failure -> onEventLoop(() -> fail(failure)));
        }

        private void onEventLoop(Runnable task) {
            if (context.executor().inEventLoop()) {
                task.run();
            } else {
                context.executor().execute(task);
            }
        }

        private void answer(Outcome outcome) {
            try {
                send(() -> increments.response(outcome, fields));
            } catch (Throwable failure) {
                fail(failure);
            }
        }

        /** Sends a problem, unless the response was sent. */
        void fail(Throwable failure) {
            try {
                send(() -> increments.response(failure, requestId(), request, fields));
            } catch (Throwable unanswered) {
                context.fireExceptionCaught(unanswered);
                close(context);
            }
        }

        private String requestId() {
            return sentId != null ? sentId : RequestId.of(context.channel(), number);
        }

        private void send(Supplier<FullHttpResponse> made) {
            if (answered || current != this) {
                return;
            }
            FullHttpResponse response = made.get();
            answered = true;
            boolean last = isLast(response);
            if (last) {
                closing = true;
                readAutomatically(context, false);
                response.headers().set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE);
            }
            ChannelFuture sent = context.writeAndFlush(response);
            if (sent.isSuccess()) {
                increments.sent(request, response.status(), System.nanoTime() - startNanos);
            } else {
                sent.addListener(written -> {
                    if (written.isSuccess()) {
                        increments.sent(request, response.status(), System.nanoTime() - startNanos);
                    }
                });
            }
            if (last) {
                sent.addListener(ChannelFutureListener.CLOSE);
            }
            if (drained != null) {
                drained.ended();
            }
            end();
        }

        /** An HTTP/1.0 client gets no second response on the connection. */
        private boolean isLast(FullHttpResponse response) {
            return (drained != null && drained.isLast())
                    || request.protocolVersion().equals(HttpVersion.HTTP_1_0)
                    || !HttpUtil.isKeepAlive(request)
                    || !HttpUtil.isKeepAlive(response);
        }

        private void end() {
            if (received && answered && current == this) {
                current = null;
                idleSinceNanos = System.nanoTime();
                resume(context);
                watchIdle(context);
            }
        }
    }

    private void watchIdle(ChannelHandlerContext context) {
        if (idleTimeout != null && idleTimer == null) {
            schedule(context, idleTimeout.toNanos());
        }
    }

    private void schedule(ChannelHandlerContext context, long nanos) {
        idleTimer = context.executor().schedule(() -> checkIdle(context), nanos, TimeUnit.NANOSECONDS);
    }

    private void checkIdle(ChannelHandlerContext context) {
        idleTimer = null;
        if (idleTimeout == null || !direct || current != null) {
            return;
        }
        long leftNanos = idleTimeout.toNanos() - (System.nanoTime() - idleSinceNanos);
        if (leftNanos > 0) {
            schedule(context, leftNanos);
        } else {
            closing = true;
            readAutomatically(context, false);
            close(context);
        }
    }
}
