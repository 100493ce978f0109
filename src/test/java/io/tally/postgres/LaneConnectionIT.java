package io.tally.postgres;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.r2dbc.postgresql.PostgresqlConnectionFactory;
import io.r2dbc.postgresql.api.PostgresqlConnection;
import io.tally.pipeline.StoreFailure;
import io.tally.pipeline.StoreFailure.Kind;
import io.tally.testing.Clients;
import io.tally.testing.Database;
import io.tally.testing.Postgres;
import io.tally.testing.WireProxy;
import java.net.URI;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;

@Tag("one-shard") // A connection has one schema.
@Timeout(300)
class LaneConnectionIT {

    private static final Duration LONG = Duration.ofMinutes(2);

    private Database database;
    private WireProxy proxy;
    private LaneConnection lane;

    @BeforeEach
    void open() throws SQLException {
        database = Postgres.shared().createDatabase();
        URI address = URI.create(database.url());
        proxy = new WireProxy(address.getHost(), address.getPort());
        DatabaseProperties properties = new DatabaseProperties(
                proxy.through(database).url(),
                database.username(),
                database.password(),
                LONG,
                Duration.ofSeconds(5),
                LONG,
                2,
                Duration.ZERO);
        lane = new LaneConnection(
                new SessionConnections(
                        new PostgresqlConnectionFactory(
                                Sessions.address(properties).build()),
                        Map.of(),
                        null),
                LONG,
                LONG);
    }

    @AfterEach
    void close() {
        lane.close().block();
        proxy.close();
    }

    private static Mono<Integer> number(PostgresqlConnection connection, String sql) {
        return connection
                .createStatement(sql)
                .execute()
                .concatMap(result ->
                        result.map((row, metadata) -> Objects.requireNonNull(row.get("number", Integer.class))))
                .single();
    }

    private int backend() {
        return Objects.requireNonNull(lane.use(connection -> number(connection, "select pg_backend_pid() as number"))
                .block());
    }

    private boolean isReached() {
        try {
            return backend() > 0;
        } catch (StoreFailure failure) {
            return false;
        }
    }

    private long running(int backend) {
        try {
            return database.queryLong(
                    "select count(*) from pg_stat_activity where state = 'active' and pid = ?", backend);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void staysOpenFromOneUseToTheNext() {
        assertThat(backend()).isEqualTo(backend());
    }

    @Test
    void isDroppedWhereAUseIsCancelled() throws Exception {
        int first = backend();
        Disposable use = lane.use(connection -> number(connection, "select 1 as number from pg_sleep(100)"))
                .subscribe();
        Clients.await("the statement", LONG, () -> running(first) == 1);
        use.dispose();

        assertThat(backend()).isNotEqualTo(first);
    }

    @Test
    void aProbeKeepsAConnectionThatAnswers() {
        int first = backend();
        lane.probe(Duration.ZERO).block();
        assertThat(backend()).isEqualTo(first);
    }

    @Test
    void aProbeReplacesAConnectionThatDoesNotAnswer() {
        int first = backend();
        proxy.forget();
        lane.probe(Duration.ZERO).block();
        assertThat(proxy.forgotten()).isZero();
        int accepted = proxy.accepted();
        assertThat(backend()).isNotEqualTo(first);
        assertThat(proxy.accepted()).as("connections").isEqualTo(accepted);
    }

    @Test
    void aProbeFailsWhereTheDatabaseIsAway() throws Exception {
        backend();
        proxy.refuse();
        proxy.cutAll();
        assertThatThrownBy(() -> lane.probe(Duration.ZERO).block())
                .isInstanceOfSatisfying(
                        StoreFailure.class,
                        failure -> assertThat(failure.kind()).isEqualTo(Kind.UNAVAILABLE));
        proxy.admit();
        // After the pause that a failed attempt makes.
        Clients.await("another connection", LONG, this::isReached);
    }

    @Test
    void aUseWaitsForAProbeAndThenHasAnotherConnection() throws Exception {
        int first = backend();
        proxy.forget();
        Mono<Void> probe = lane.probe(Duration.ZERO).cache();
        probe.subscribe();
        Clients.await("the probe is on its way", LONG, () -> proxy.lost() > 0);

        long start = System.nanoTime();
        assertThat(backend()).isNotEqualTo(first);
        assertThat(Duration.ofNanos(System.nanoTime() - start))
                .isLessThan(LaneConnection.PROBE_MAX.plus(Duration.ofSeconds(3)));
        probe.block();
    }

    /** Transactions, which a statement between theirs would be part of. */
    @Test
    void usesAndProbesExcludeEachOther() throws Exception {
        int first = backend();
        AtomicBoolean ended = new AtomicBoolean();
        AtomicInteger probes = new AtomicInteger();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            Future<?> probing = threads.submit(() -> {
                while (!ended.get()) {
                    lane.probe(Duration.ZERO).block();
                    probes.incrementAndGet();
                }
            });
            for (int i = 0; i < 1_000; i++) {
                int backend = Objects.requireNonNull(lane.use(connection -> connection
                                .beginTransaction()
                                .then(number(connection, "select pg_backend_pid() as number"))
                                .flatMap(
                                        number -> connection.commitTransaction().thenReturn(number)))
                        .block());
                assertThat(backend).isEqualTo(first);
            }
            ended.set(true);
            probing.get();
        }
        assertThat(probes).hasPositiveValue();
    }
}
