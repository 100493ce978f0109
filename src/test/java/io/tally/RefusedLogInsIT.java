package io.tally;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.testing.Clients;
import io.tally.testing.Database;
import io.tally.testing.Postgres;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyClient.Answer;
import io.tally.testing.TallyServer;
import io.tally.testing.WireProxy;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A server that refuses connections is not flooded with them, and is used again soon after it admits them. */
@Tag("one-shard") // Counts the attempts of the connections of one shard.
@Timeout(300)
class RefusedLogInsIT {

    private static final Logger log = LoggerFactory.getLogger(RefusedLogInsIT.class);

    private static final int CLIENTS = 16;

    /** Attempts of each owner that are not counted, since the first pauses are shorter. */
    private static final int SETTLED_ATTEMPTS = 5;

    /** The shortest time that the counted attempts may take. */
    private static final Duration COUNTED_MIN = Duration.ofSeconds(5);

    /** The longest pause, the lane's own probe, and the time that answers take on a busy machine. */
    private static final Duration RECOVERED_MAX = Duration.ofSeconds(8);

    /** How the server refuses; an owner makes so many attempts a second at most. */
    enum Refusal {
        /** SQLSTATE 28000. */
        NO_LOG_IN("alter role %s nologin", "alter role %s login", 0.6),
        /** SQLSTATE 53300. */
        TOO_MANY_CONNECTIONS("alter role %s connection limit 0", "alter role %s connection limit -1", 0.6),
        /** The server is not there. */
        RESET("select '%s'", "select '%s'", 4.5);

        private final String begin;
        private final String end;
        private final double perSecondMax;

        Refusal(String begin, String end, double perSecondMax) {
            this.begin = begin;
            this.end = end;
            this.perSecondMax = perSecondMax;
        }
    }

    /** Two lanes, audits, and two pools, of which one has three connections that may try at once. */
    private static final int OWNERS = 7;

    @ParameterizedTest
    @EnumSource(Refusal.class)
    void attemptsUnderLoadAreFew(Refusal refusal) throws Exception {
        Database administration = Postgres.shared().createDatabase();
        String role = "role_" + UUID.randomUUID().toString().replace("-", "");
        administration.execute("create role " + role + " login password 'secret'");
        administration.execute("grant all on all tables in schema public to " + role);
        administration.execute("grant all on schema public to " + role);
        Database database = new Database(administration.url(), role, "secret");
        URI address = URI.create(database.url());
        try (WireProxy proxy = new WireProxy(address.getHost(), address.getPort());
                TallyServer server = TallyServer.start(proxy.through(database));
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            TallyClient client = new TallyClient(server.uri());
            Load load = new Load(client);
            try {
                load.start(threads);
                Clients.await("load", Clients.PATIENCE, () -> load.applied.get() > 100);

                administration.execute(refusal.begin.formatted(role));
                if (refusal == Refusal.RESET) {
                    proxy.refuse();
                }
                proxy.cutAll();
                awaitAttempts(proxy, OWNERS * SETTLED_ATTEMPTS);
                int attempts = (int) (OWNERS * refusal.perSecondMax * COUNTED_MIN.toSeconds());
                long start = System.nanoTime();
                awaitAttempts(proxy, attempts);
                Duration taken = Duration.ofNanos(System.nanoTime() - start);
                log.info("{}: {} attempts in {}, {} callers refused", refusal, attempts, taken, load.refused);
                Answer refused = client.increment("refused/0", 1);
                assertThat(refused.status()).isEqualTo(503);
                assertThat(refused.problem()).isEqualTo("store-unavailable");
                assertThat(refused.header("Retry-After")).isNotEmpty();

                administration.execute(refusal.end.formatted(role));
                proxy.admit();
                int applied = load.applied.get();
                Clients.await("recovery", RECOVERED_MAX, () -> load.applied.get() > applied + 100);
                assertThat(taken).isGreaterThan(COUNTED_MIN);
            } finally {
                load.end();
            }
        }
    }

    private static void awaitAttempts(WireProxy proxy, int more) throws InterruptedException {
        int before = proxy.accepted();
        Clients.await(more + " attempts", Clients.PATIENCE, () -> proxy.accepted() - before >= more);
    }

    /** Clients that increment, read and list, each again as soon as it has an answer. */
    private static final class Load {

        private final TallyClient client;
        private final AtomicInteger applied = new AtomicInteger();
        private final AtomicInteger refused = new AtomicInteger();
        private final List<Future<?>> loops = new ArrayList<>();
        private volatile boolean ended;

        Load(TallyClient client) {
            this.client = client;
        }

        void start(ExecutorService threads) {
            for (int i = 0; i < CLIENTS; i++) {
                String counter = "refused/" + i;
                loop(threads, run -> count(client.increment(counter, 1)));
                loop(threads, run -> count(client.get("/v1/counters/" + counter)));
                loop(threads, run -> count(client.get("/v1/counters/refused?limit=10")));
            }
        }

        private void loop(ExecutorService threads, Consumer<Load> request) {
            loops.add(threads.submit(() -> {
                while (!ended) {
                    request.accept(this);
                }
            }));
        }

        private void count(Answer answer) {
            (answer.status() < 500 ? applied : refused).incrementAndGet();
        }

        void end() throws Exception {
            ended = true;
            for (Future<?> loop : loops) {
                loop.get();
            }
        }
    }
}
