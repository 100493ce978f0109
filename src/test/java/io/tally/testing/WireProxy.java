package io.tally.testing;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A network between a client and PostgreSQL that can be cut at the worst moments: when a statement is on its way, or
 * done, and its answer is not there yet.
 *
 * <p>It listens on a free port of the loopback interface and follows the protocol (version 3, no TLS) as far as that
 * takes: which SQL text a request runs, and where its answer ends. A request is all that a client sends up to a Sync,
 * or one simple Query.
 *
 * <p>Any thread may call any method; each takes effect for requests and connections that come after it.
 */
public final class WireProxy implements AutoCloseable {

    /** When a connection is cut. */
    public enum Cut {
        /** As soon as the request was sent on; whether the server runs it is open. */
        IN_FLIGHT,
        /** After the server's whole answer, of which the client sees nothing; a commit in the request is done. */
        AFTER_COMMIT
    }

    private static final Logger LOG = LoggerFactory.getLogger(WireProxy.class);

    private final String serverHost;
    private final int serverPort;
    private final ServerSocket listener;
    private final Set<Link> links = ConcurrentHashMap.newKeySet();
    private final AtomicInteger cuts = new AtomicInteger();
    private final AtomicInteger accepted = new AtomicInteger();
    private final AtomicInteger lost = new AtomicInteger();
    private final ReentrantLock stallLock = new ReentrantLock();
    private final Condition resumed = stallLock.newCondition();

    private volatile CutRule rule = CutRule.NONE;
    private volatile boolean refusing;
    private boolean stalled;

    private record CutRule(Cut when, Predicate<String> sql, BooleanSupplier chance) {

        static final CutRule NONE = new CutRule(Cut.IN_FLIGHT, sql -> false, () -> false);

        boolean hits(String text) {
            return sql.test(text) && chance.getAsBoolean();
        }
    }

    /** Listens at once; connects to the server for each client that comes. */
    public WireProxy(String serverHost, int serverPort) {
        this.serverHost = serverHost;
        this.serverPort = serverPort;
        try {
            listener = new ServerSocket(/* port= */ 0, /* backlog= */ 200, InetAddress.getLoopbackAddress());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Thread.ofVirtual().name("wire-proxy").start(this::accept);
    }

    /** The port on 127.0.0.1 that clients connect to. */
    public int port() {
        return listener.getLocalPort();
    }

    /** A database as seen through this proxy. */
    public Database through(Database database) {
        String name = database.url().substring(database.url().lastIndexOf('/') + 1);
        return new Database(
                "postgresql://127.0.0.1:%d/%s".formatted(port(), name), database.username(), database.password());
    }

    /** Cuts each connection that runs a matching statement, for the next so many of them. */
    public void cutNext(int count, Cut when, Predicate<String> sql) {
        AtomicInteger left = new AtomicInteger(count);
        rule = new CutRule(when, sql, () -> left.getAndDecrement() > 0);
    }

    /** Cuts connections that run a matching statement with a probability, until {@link #cutNothing()}. */
    public void cutRandomly(double probability, long seed, Cut when, Predicate<String> sql) {
        Random random = new Random(seed);
        rule = new CutRule(when, sql, () -> random.nextDouble() < probability);
    }

    /** Ends {@link #cutNext} and {@link #cutRandomly}; a request that was hit before is cut still. */
    public void cutNothing() {
        rule = CutRule.NONE;
    }

    /** Cuts all connections that are open now. */
    public void cutAll() {
        links.forEach(Link::cut);
    }

    /**
     * Forgets all connections that are open now, as a firewall does: from now on nothing passes, neither data nor the
     * end of a connection, and neither side learns of it.
     */
    public void forget() {
        links.forEach(link -> link.isForgotten = true);
    }

    /** How many forgotten connections their clients have not closed. */
    public long forgotten() {
        return links.stream()
                .filter(link -> link.isForgotten && !link.hasClientEnded)
                .count();
    }

    /** How many messages clients have sent on forgotten connections. */
    public int lost() {
        return lost.get();
    }

    /** How many clients came so far, those that were refused included. */
    public int accepted() {
        return accepted.get();
    }

    /** Resets new connections, until {@link #admit()}; open ones stay. */
    public void refuse() {
        refusing = true;
    }

    /** Ends {@link #refuse()}. */
    public void admit() {
        refusing = false;
    }

    /** Holds back all answers, until {@link #resume()}; requests go through. */
    public void stall() {
        stallLock.lock();
        try {
            stalled = true;
        } finally {
            stallLock.unlock();
        }
    }

    /** Ends {@link #stall()}: what was held back goes on. */
    public void resume() {
        stallLock.lock();
        try {
            stalled = false;
            resumed.signalAll();
        } finally {
            stallLock.unlock();
        }
    }

    /** How many connections were cut by a rule so far. */
    public int cuts() {
        return cuts.get();
    }

    /** How many clients are connected now. */
    public int open() {
        return (int) links.stream().filter(link -> !link.hasClientEnded).count();
    }

    /** Ends all connections, and listens no more. */
    @Override
    public void close() {
        closeQuietly(listener);
        resume();
        cutAll();
    }

    private void accept() {
        while (!listener.isClosed()) {
            try {
                Socket client = listener.accept();
                accepted.incrementAndGet();
                if (refusing) {
                    reset(client);
                } else {
                    Thread.ofVirtual().name("wire-proxy-requests").start(() -> serve(client));
                }
            } catch (IOException e) {
                LOG.debug("No longer accepting, or one client less", e);
            }
        }
    }

    private void serve(Socket client) {
        try {
            Link link = new Link(client, new Socket(serverHost, serverPort));
            links.add(link);
            if (listener.isClosed()) {
                link.cut();
            }
            link.forwardRequests();
        } catch (IOException e) {
            LOG.debug("The server cannot be reached", e);
            reset(client);
        }
    }

    private void awaitResumed() {
        stallLock.lock();
        try {
            while (stalled) {
                resumed.awaitUninterruptibly();
            }
        } finally {
            stallLock.unlock();
        }
    }

    /** Closes without the farewell that would let the peer take it for an orderly end. */
    private static void reset(Socket socket) {
        try {
            socket.setSoLinger(true, 0);
        } catch (IOException e) {
            LOG.debug("Already closed", e);
        }
        closeQuietly(socket);
    }

    private static void closeQuietly(AutoCloseable closeable) {
        try {
            closeable.close();
        } catch (Exception e) {
            LOG.debug("Not closed", e);
        }
    }

    /** One client's connection, and the one to the server that belongs to it. */
    private final class Link {

        private static final int CANCEL_REQUEST = 80_877_102;
        private static final int TLS_REQUEST = 80_877_103;
        private static final int GSS_REQUEST = 80_877_104;

        /** No request: they count from 1, and the start-up is the first. */
        private static final int NONE = 0;

        private final Socket client;
        private final Socket server;
        private final DataInputStream fromClient;
        private final DataInputStream fromServer;
        private final DataOutputStream toClient;
        private final DataOutputStream toServer;

        /** By name; the unnamed one is the empty name. Only the requests' thread uses it. */
        private final Map<String, String> sqlOfStatement = new HashMap<>();

        /** The request that is being sent. Only the requests' thread uses it. */
        private int request = 1;

        /** The request whose answer the client must not see. Set before any of the request is sent on. */
        private volatile int requestToCut = NONE;

        private volatile Cut when = Cut.IN_FLIGHT;

        private volatile boolean isForgotten;
        private volatile boolean hasClientEnded;

        private Link(Socket client, Socket server) throws IOException {
            this.client = client;
            this.server = server;
            client.setTcpNoDelay(true);
            server.setTcpNoDelay(true);
            fromClient = new DataInputStream(new BufferedInputStream(client.getInputStream()));
            fromServer = new DataInputStream(new BufferedInputStream(server.getInputStream()));
            toClient = new DataOutputStream(new BufferedOutputStream(client.getOutputStream()));
            toServer = new DataOutputStream(new BufferedOutputStream(server.getOutputStream()));
        }

        private void cut() {
            reset(client);
            closeQuietly(server);
            links.remove(this);
        }

        private void countAndCut() {
            cuts.incrementAndGet();
            cut();
        }

        private void forwardRequests() {
            try {
                forwardStartup();
                Thread.ofVirtual().name("wire-proxy-answers").start(this::forwardAnswers);
                while (true) {
                    Message message = Message.read(fromClient);
                    if (isForgotten) {
                        lost.incrementAndGet();
                        continue;
                    }
                    noteSql(message);
                    message.write(toServer);
                    boolean ends = message.endsRequest();
                    if (ends || fromClient.available() == 0) {
                        toServer.flush();
                    }
                    if (ends && requestToCut == request && when == Cut.IN_FLIGHT) {
                        countAndCut();
                        return;
                    }
                    if (ends) {
                        request++;
                    }
                }
            } catch (IOException e) {
                LOG.debug("The client, or the way to the server, has ended", e);
                end();
            }
        }

        /** The server does not learn of the end of a forgotten client. */
        private void end() {
            hasClientEnded = true;
            if (isForgotten) {
                closeQuietly(client);
            } else {
                cut();
            }
        }

        private void forwardStartup() throws IOException {
            while (true) {
                int length = fromClient.readInt();
                int code = fromClient.readInt();
                if (code == TLS_REQUEST || code == GSS_REQUEST) {
                    toClient.writeByte('N');
                    toClient.flush();
                } else {
                    toServer.writeInt(length);
                    toServer.writeInt(code);
                    toServer.write(fromClient.readNBytes(length - 2 * Integer.BYTES));
                    toServer.flush();
                    if (code == CANCEL_REQUEST) {
                        throw new IOException("The connection was for a cancellation only");
                    }
                    request++;
                    return;
                }
            }
        }

        private void noteSql(Message message) {
            switch (message.type()) {
                case Message.PARSE -> sqlOfStatement.put(message.string(0), message.string(1));
                case Message.BIND -> decide(sqlOfStatement.get(message.string(1)));
                case Message.QUERY -> decide(message.string(0));
                default -> {
                    // Tells nothing about SQL.
                }
            }
        }

        private void decide(@Nullable String sql) {
            CutRule current = rule;
            if (sql != null && requestToCut == NONE && current.hits(sql)) {
                when = current.when();
                requestToCut = request;
            }
        }

        private void forwardAnswers() {
            int answered = 1;
            try {
                while (true) {
                    Message message = Message.read(fromServer);
                    if (isForgotten) {
                        continue;
                    }
                    boolean ends = message.type() == Message.READY_FOR_QUERY;
                    if (requestToCut != answered) {
                        awaitResumed();
                        message.write(toClient);
                        if (ends || fromServer.available() == 0) {
                            toClient.flush();
                        }
                    } else if (ends && when == Cut.AFTER_COMMIT) {
                        countAndCut();
                        return;
                    }
                    if (ends) {
                        answered++;
                    }
                }
            } catch (IOException e) {
                LOG.debug("The server, or the way to the client, has ended", e);
                cut();
            }
        }
    }

    /** A message after the start-up: a letter, a length that counts itself, and a body. */
    private static final class Message {

        static final char PARSE = 'P';
        static final char BIND = 'B';
        static final char QUERY = 'Q';
        static final char SYNC = 'S';
        static final char READY_FOR_QUERY = 'Z';

        private final char type;
        private final byte[] body;

        private Message(char type, byte[] body) {
            this.type = type;
            this.body = body;
        }

        static Message read(DataInputStream input) throws IOException {
            char type = (char) input.readUnsignedByte();
            int length = input.readInt() - Integer.BYTES;
            byte[] body = new byte[length];
            input.readFully(body);
            return new Message(type, body);
        }

        char type() {
            return type;
        }

        void write(DataOutputStream output) throws IOException {
            output.writeByte(type);
            output.writeInt(body.length + Integer.BYTES);
            output.write(body);
        }

        /** Of a client's message; a server's Sync is something else. */
        boolean endsRequest() {
            return type == SYNC || type == QUERY;
        }

        /** The body's n-th text, where it starts with texts that end in a zero byte. */
        String string(int n) {
            int start = 0;
            for (int i = 0; i < n; i++) {
                start = endOfString(start) + 1;
            }
            return new String(body, start, endOfString(start) - start, StandardCharsets.UTF_8);
        }

        private int endOfString(int start) {
            int end = start;
            while (body[end] != 0) {
                end++;
            }
            return end;
        }
    }
}
