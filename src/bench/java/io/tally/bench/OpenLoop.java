package io.tally.bench;

import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpResponseDecoder;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Load at a constant rate, however late the responses are: request {@code i} is due at {@code i / rate}, is sent then
 * or as soon as a connection is free, and its latency counts from when it was due to the end of its answer. So the
 * latencies include all requests that waited during a pause of the server (no "coordinated omission").
 *
 * <p>One event loop, which spares the processors for what is measured; everything here happens on its thread.
 */
final class OpenLoop {

    /** The maximum wait for missing responses after the last request was due. */
    private static final long LAST_ANSWERS_MAX = TimeUnit.SECONDS.toNanos(10);

    /** The pause before the next connection attempt to a refusing server. */
    private static final long RECONNECT_AFTER = TimeUnit.MILLISECONDS.toNanos(100);

    /** The time after the last due request when the run counts as broken. */
    private static final long END_MAX_SECONDS = 60;

    private final Plan plan;
    private final Report report;
    private final EventLoop loop;
    private final Bootstrap bootstrap;
    private final ByteBuf request;
    private final ArrayDeque<Connection> free = new ArrayDeque<>();
    private final CountDownLatch done = new CountDownLatch(1);

    private long start;
    /** The next request to be due. */
    private long next;
    /** The next to be sent; from here to {@link #next} they wait for a connection. */
    private long unsent;

    private long inFlight;

    private OpenLoop(Plan plan, EventLoop loop) {
        this.plan = plan;
        this.report = new Report(plan);
        this.loop = loop;
        this.request = Unpooled.unreleasableBuffer(Unpooled.directBuffer().writeBytes(bytes(plan)));
        this.bootstrap = new Bootstrap()
                .group(loop)
                .channel(EpollSocketChannel.class)
                .option(ChannelOption.TCP_NODELAY, true)
                .remoteAddress(plan.url().getHost(), plan.url().getPort())
                .handler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel channel) {
                        channel.pipeline()
                                .addLast(
                                        new HttpResponseDecoder(new HttpDecoderConfig().setValidateHeaders(false)),
                                        new Connection(OpenLoop.this));
                    }
                });
    }

    /** Executes the plan in the arguments, see {@link Plan#of}, and prints the report. */
    public static void main(String[] arguments) throws Exception {
        Plan plan = Plan.of(arguments);
        MultiThreadIoEventLoopGroup group = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
        try {
            OpenLoop load = new OpenLoop(plan, (EventLoop) group.next());
            load.connect();
            load.loop.execute(load::begin);
            if (!load.done.await(plan.warmUp() + plan.seconds() + END_MAX_SECONDS, TimeUnit.SECONDS)) {
                throw new IllegalStateException("The load did not end in time.");
            }
            System.out.println(load.loop.submit(load::result).get());
        } finally {
            group.shutdownGracefully(0, 1, TimeUnit.SECONDS).sync();
        }
    }

    /** The report. Runs on the thread of the loop, since late responses may still arrive. */
    private String result() throws IOException {
        report.save();
        return report.json(outstanding());
    }

    /** Opens all connections; each reports by {@link #ready}. */
    private void connect() throws InterruptedException {
        for (int i = 0; i < plan.connections(); i++) {
            bootstrap.connect().sync();
        }
    }

    private void begin() {
        wakeOnTime();
        start = System.nanoTime();
        tick();
    }

    /** Linux wakes a thread up to 50 µs late unless told otherwise: see proc_pid_timerslack_ns(5). */
    private static void wakeOnTime() {
        try {
            Path thread = Files.readSymbolicLink(Path.of("/proc/thread-self")).getFileName();
            Files.writeString(Path.of("/proc").resolve(thread).resolve("timerslack_ns"), "1");
        } catch (IOException late) {
            System.err.println("Requests may be sent up to 50 µs late: " + late);
        }
    }

    /** Takes up what is due, and comes back when the next is. */
    private void tick() {
        long now = now();
        for (; next < plan.requests() && plan.due(next) <= now; next++) {
            report.taken(plan.due(next), now);
        }
        send();
        if (next < plan.requests()) {
            later(this::tick, plan.due(next) - now());
        } else {
            finishIfAnswered();
            later(this::finish, LAST_ANSWERS_MAX);
        }
    }

    private void send() {
        while (unsent < next && !free.isEmpty()) {
            inFlight++;
            free.remove().send(request, plan.due(unsent++));
        }
    }

    /** A connection is open and has no request on it. */
    void ready(Connection connection) {
        free.add(connection);
        send();
    }

    /** A request was answered in full. */
    void answered(long due, boolean isOk) {
        inFlight--;
        if (isOk) {
            report.ok(due, now());
        } else {
            report.failed(due);
        }
        finishIfAnswered();
    }

    /** A connection was closed: another takes its place. */
    void closed(Connection connection) {
        free.remove(connection);
        reconnect();
    }

    private void reconnect() {
        bootstrap.connect().addListener(connected -> {
            if (!connected.isSuccess() && !loop.isShuttingDown()) {
                later(this::reconnect, RECONNECT_AFTER);
            }
        });
    }

    private void finishIfAnswered() {
        if (next == plan.requests() && unsent == next && inFlight == 0) {
            finish();
        }
    }

    @SuppressWarnings("FutureReturnValueIgnored") // main notices where the end does not come
    private void later(Runnable what, long nanos) {
        loop.schedule(what, nanos, TimeUnit.NANOSECONDS);
    }

    private void finish() {
        done.countDown();
    }

    private long outstanding() {
        return next - unsent + inFlight;
    }

    /** Nanoseconds since the first request was due. */
    private long now() {
        return System.nanoTime() - start;
    }

    private static byte[] bytes(Plan plan) {
        URI url = plan.url();
        String query = url.getRawQuery() == null ? "" : "?" + url.getRawQuery();
        String body = plan.method().equals("GET") ? "" : "Content-Length: 0\r\n";
        String head = "%s %s%s HTTP/1.1\r\nHost: %s\r\n%s\r\n"
                .formatted(plan.method(), url.getRawPath(), query, url.getRawAuthority(), body);
        return head.getBytes(StandardCharsets.US_ASCII);
    }
}
