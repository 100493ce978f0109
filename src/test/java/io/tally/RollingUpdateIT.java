package io.tally;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.testing.Clients;
import io.tally.testing.Database;
import io.tally.testing.Postgres;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyClient.Answer;
import io.tally.testing.TallyProcess;
import io.tally.testing.TallyServer;
import io.tally.testing.TestShards;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What an orchestrator does with instances: starts several at once, and replaces them one after another under load. */
@Timeout(600)
class RollingUpdateIT {

    private static final int CLIENTS = 16;
    private static final int INSTANCES = 3;

    /** How many increments there are to be before the next step. */
    private static final int SOME = 500;

    /** What SIGTERM ends a process with that stops in order. */
    private static final int TERMINATED = 128 + 15;

    private final Queue<TallyProcess> processes = new ConcurrentLinkedQueue<>();

    @AfterEach
    void stop() throws IOException {
        for (TallyProcess process : processes) {
            process.close();
        }
    }

    private TallyProcess start(Database database) {
        try {
            TallyProcess process = TallyProcess.start(database);
            processes.add(process);
            return process;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    @Test
    @Tag("faults")
    void instancesThatStartAtOnceOnAnEmptyDatabaseMakeTheSchemaOnce() throws Exception {
        Database database = Postgres.shared().createEmptyDatabase();

        List<TallyProcess> started = Clients.atOnce(INSTANCES, each -> start(database));

        assertThat(database.sum("select count(*) from flyway_schema_history where success and version is not null"))
                .isEqualTo(TestShards.count() * migrations());
        assertThat(database.sum("select count(*) from flyway_schema_history where version is not null"))
                .isEqualTo(TestShards.count() * migrations());
        Clients.atOnce(CLIENTS, each -> {
            TallyClient client = new TallyClient(started.get(each % INSTANCES).uri());
            return assertThat(client.increment("start/all", 1).status()).isEqualTo(200);
        });
        for (TallyProcess process : started) {
            TallyClient client = new TallyClient(process.uri());
            assertThat(client.value("start/all")).isEqualTo(CLIENTS);
            client.requireBalancedBooks();
        }
    }

    /** As one does that is started while others are replaced by newer ones, or when an update is taken back. */
    @Test
    void anInstanceStartsOnTheSchemaOfANewerOne() throws Exception {
        Database database = Postgres.shared().createEmptyDatabase();
        TallyServer.start(database).close();
        database.executeInEach(
                "insert into flyway_schema_history select max(installed_rank) + 1, '999', 'of a newer one',"
                        + " 'SQL', 'V999__of_a_newer_one.sql', 1, current_user, now(), 1, true"
                        + " from flyway_schema_history");

        try (TallyServer server = TallyServer.start(database)) {
            TallyClient client = new TallyClient(server.uri());
            assertThat(client.increment("old/one", 1).status()).isEqualTo(200);
            client.requireBalancedBooks();
        }
    }

    private static long migrations() throws IOException {
        try (Stream<Path> files = Files.list(Path.of("src/main/resources/db/migration"))) {
            return files.count();
        }
    }

    @Test
    void anInstanceIsReplacedUnderLoadAndNothingIsLost() throws Exception {
        Database database = Postgres.shared().createDatabase();
        TallyServer first = TallyServer.start(database);
        try (TallyServer second = TallyServer.start(database)) {
            underLoad(List.of(first.uri()), load -> replaceAfterNotice(first.uri(), second.uri(), load, first::close));
        } finally {
            first.close();
        }
    }

    /** Both ways to stop: the proxies learn of it before, as preStop sees to it, and not. */
    @Test
    @Tag("faults")
    void processesAreReplacedUnderLoadAndNothingIsLost() throws Exception {
        Database database = Postgres.shared().createDatabase();
        TallyProcess first = start(database);
        TallyProcess second = start(database);
        underLoad(List.of(first.uri(), second.uri()), load -> {
            replaceAfterNotice(first.uri(), start(database).uri(), load, () -> requireTerminated(first));
            replaceWithoutNotice(second.uri(), start(database).uri(), load, () -> requireTerminated(second));
        });
    }

    private static void requireTerminated(TallyProcess process) throws InterruptedException {
        assertThat(process.stop()).isEqualTo(TERMINATED);
    }

    private static void underLoad(List<URI> instances, Replacement replacement) throws Exception {
        Load load = new Load(instances);
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<?>> clients = new ArrayList<>();
            for (int i = 0; i < CLIENTS; i++) {
                clients.add(threads.submit(load::run));
            }
            try {
                load.awaitSome();
                replacement.replace(load);
            } finally {
                load.stopped.set(true);
            }
            for (Future<?> client : clients) {
                client.get();
            }
        }

        TallyClient client = new TallyClient(load.proxies.getFirst());
        long increments = load.values.size();
        assertThat(client.value("roll/on")).isEqualTo(increments);
        assertThat(load.values)
                .containsExactlyInAnyOrderElementsOf(
                        LongStream.rangeClosed(1, increments).boxed().toList());
        client.requireBalancedBooks();
    }

    private static void replaceAfterNotice(URI old, URI replacement, Load load, Stop stop) throws Exception {
        load.proxies.add(replacement);
        load.proxies.remove(old);
        load.awaitSome();
        stop.stop();
        load.awaitSome();
        assertThat(load.failed.get()).as("requests that failed").isZero();
    }

    private static void replaceWithoutNotice(URI old, URI replacement, Load load, Stop stop) throws Exception {
        load.proxies.add(replacement);
        load.awaitSome();
        stop.stop();
        load.proxies.remove(old);
        load.awaitSome();
    }

    private interface Replacement {

        void replace(Load load) throws Exception;
    }

    private interface Stop {

        void stop() throws Exception;
    }

    /** Clients that go on with another instance where one does not answer, under the same key. */
    private static final class Load {

        private final List<URI> proxies;
        private final Map<URI, TallyClient> clients = new ConcurrentHashMap<>();
        private final Queue<Long> values = new ConcurrentLinkedQueue<>();
        private final AtomicLong failed = new AtomicLong();
        private final AtomicBoolean stopped = new AtomicBoolean();

        private Load(List<URI> instances) {
            this.proxies = new CopyOnWriteArrayList<>(instances);
        }

        private void awaitSome() throws InterruptedException {
            int before = values.size();
            Clients.await("load goes on", Clients.PATIENCE, () -> values.size() > before + SOME);
        }

        private void run() {
            while (!stopped.get()) {
                values.add(increment());
            }
        }

        private long increment() {
            String key = UUID.randomUUID().toString();
            while (true) {
                List<URI> now = List.copyOf(proxies);
                URI instance = now.get(ThreadLocalRandom.current().nextInt(now.size()));
                try {
                    Answer answer = clients.computeIfAbsent(instance, TallyClient::new)
                            .increment("roll/on", 1, "Idempotency-Key", key);
                    if (answer.status() == 200) {
                        return answer.json().path("value").asLong();
                    }
                    assertThat(answer.status()).as(answer.body()).isEqualTo(503);
                } catch (UncheckedIOException gone) {
                    // The next attempt asks another, or the same again.
                }
                failed.incrementAndGet();
            }
        }
    }
}
