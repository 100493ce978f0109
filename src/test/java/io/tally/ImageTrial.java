package io.tally;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.github.dockerjava.api.DockerClient;
import com.github.dockerjava.api.command.CreateContainerCmd;
import com.github.dockerjava.api.command.InspectContainerResponse.ContainerState;
import com.github.dockerjava.api.model.Capability;
import io.tally.testing.Clients;
import io.tally.testing.Database;
import io.tally.testing.History;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyClient.Answer;
import java.io.UncheckedIOException;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.testcontainers.DockerClientFactory;
import org.testcontainers.containers.Container.ExecResult;
import org.testcontainers.containers.ContainerLaunchException;
import org.testcontainers.containers.GenericContainer;
import org.testcontainers.containers.Network;
import org.testcontainers.containers.output.ToStringConsumer;
import org.testcontainers.containers.startupcheck.OneShotStartupCheckStrategy;
import org.testcontainers.containers.wait.strategy.Wait;
import org.testcontainers.postgresql.PostgreSQLContainer;
import org.testcontainers.utility.DockerImageName;

/**
 * Tries the image {@code tally} as it is deployed, with a PostgreSQL in a container beside it:
 * {@code ./mvnw -Pimage verify}, after the image was built.
 *
 * <p>The images are those of {@code -Dtally.image} and {@code -Dtally.test.postgres.image}. Starts with the AOT cache
 * and without it take turns, since seconds alone say more of the machine than of the image.
 */
@Timeout(600)
class ImageTrial {

    private static final String IMAGE = System.getProperty("tally.image", "tally");
    private static final String POSTGRES_IMAGE = System.getProperty("tally.test.postgres.image", "postgres:18");
    /** Pairs of starts; an odd number, for the median. */
    private static final int STARTS = 5;
    /** Of the time that a start takes without the AOT cache; half and less were measured. */
    private static final double CACHED_START_RATIO_MAX = 0.7;

    private static final int HTTP = 8080;
    private static final String DATABASE_HOST = "database";
    private static final long MEMORY_BYTES = 512L << 20;
    private static final long TWO_CORES_NANOS = 2_000_000_000L;
    /** As the deployment gives it; longer than a stop takes at the most. */
    private static final int GRACE_SECONDS = 70;

    private static final Duration PATIENCE = Duration.ofSeconds(60);
    /** 128 and the number of SIGTERM: what a JVM returns that was told to end, and has. */
    private static final long ENDED_BY_SIGTERM = 143;

    private static final int CLIENTS_OF_EACH_KIND = 16;
    private static final String PLAIN = "image/plain";
    private static final String KEYED = "image/keyed";

    private static final Pattern STARTED = Pattern.compile("Started TallyApplication in ([0-9.]+) seconds");

    private final History plain = new History();
    private final AtomicLong keyedAcknowledged = new AtomicLong();
    private final Queue<String> keysUnanswered = new ConcurrentLinkedQueue<>();

    @Test
    void keepsWhatItAcknowledgedWhenItIsStopped() throws Exception {
        try (Network network = Network.newNetwork();
                PostgreSQLContainer postgres = postgres(network)) {
            postgres.start();
            Database database = database(postgres);
            say("%s with PostgreSQL %s".formatted(IMAGE, database.queryString("show server_version")));

            try (GenericContainer<?> tally = tally(network, postgres)) {
                tally.start();
                say("started in %.3f s, on an empty database".formatted(loggedStartSeconds(tally)));
                checkHowItRuns(tally);
                stopUnderLoad(tally);
            }
            checkStored(database);

            try (GenericContainer<?> tally = tally(network, postgres)) {
                tally.start();
                checkKeptAcrossRestart(new TallyClient(uri(tally)), database);
            }
            compareStarts(network, postgres);
        }
    }

    /** No client outside would reach its loopback interface. */
    @Test
    void needsAnAccessMode() {
        ToStringConsumer log = new ToStringConsumer();
        try (GenericContainer<?> tally = new GenericContainer<>(DockerImageName.parse(IMAGE))
                .withCreateContainerCmdModifier(ImageTrial::restrict)
                .withLogConsumer(log)
                .withStartupCheckStrategy(new OneShotStartupCheckStrategy())
                .withStartupTimeout(PATIENCE)) {
            assertThatThrownBy(tally::start).isInstanceOf(ContainerLaunchException.class);
        }
        assertThat(log.toUtf8String())
                .contains(
                        "APPLICATION FAILED TO START",
                        "Set TALLY_ACCESS_MODE to keys (access keys), jwt (tokens of an issuer), keys,jwt (both) or");
    }

    private static void compareStarts(Network network, PostgreSQLContainer postgres) throws InterruptedException {
        List<Double> cached = new ArrayList<>();
        List<Double> uncached = new ArrayList<>();
        for (int i = 0; i < STARTS; i++) {
            cached.add(startSeconds(tally(network, postgres)));
            uncached.add(startSeconds(tally(network, postgres).withEnv("JDK_JAVA_OPTIONS", "-XX:AOTMode=off")));
        }
        double ratio = median(cached) / median(uncached);
        say("started with the AOT cache in %s s, without it in %s s, ratio of the medians %.2f"
                .formatted(cached, uncached, ratio));
        assertThat(ratio).as("start with the AOT cache over start without it").isLessThan(CACHED_START_RATIO_MAX);
    }

    private static double startSeconds(GenericContainer<?> stopped) throws InterruptedException {
        try (stopped) {
            stopped.start();
            return loggedStartSeconds(stopped);
        }
    }

    private static double median(List<Double> starts) {
        return starts.stream().sorted().skip(starts.size() / 2).findFirst().orElseThrow();
    }

    private static void checkHowItRuns(GenericContainer<?> tally) throws Exception {
        assertThat(output(tally, "id -u")).isEqualTo("65532");
        for (String place : List.of("/", "/app", "/tmp")) {
            assertThat(output(tally, "touch " + place + "/anything || echo refused"))
                    .isEqualTo("refused");
        }
        String mapped = output(tally, "cat /proc/1/maps");
        // The JVM lets go of a cache that does not fit it.
        assertThat(mapped).as("the AOT cache").contains("/app/tally.aot");
        assertThat(mapped).as("the native transport").contains("/app/native/libnetty_transport_native_epoll");
        assertThat(output(tally, "cat /proc/1/task/*/comm"))
                .as("threads of the native transport")
                .contains("tally-epoll");
        assertThat(output(tally, "/app/health && echo well")).isEqualTo("well");
        Clients.await(
                "healthy",
                PATIENCE,
                () -> "healthy"
                        .equals(tally.getCurrentContainerInfo()
                                .getState()
                                .getHealth()
                                .getStatus()));
    }

    private static String output(GenericContainer<?> tally, String command) throws Exception {
        ExecResult result = tally.execInContainer("bash", "-c", command);
        return result.getStdout().strip();
    }

    private void stopUnderLoad(GenericContainer<?> tally) throws Exception {
        TallyClient client = new TallyClient(uri(tally));
        List<Future<?>> load = new ArrayList<>();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < CLIENTS_OF_EACH_KIND; i++) {
                String keys = "client-" + i + "-";
                load.add(threads.submit(() -> incrementUntilGone(client)));
                load.add(threads.submit(() -> incrementWithKeysUntilGone(client, keys)));
            }
            Clients.await("load", PATIENCE, () -> plain.acknowledged() > 2_000 && keyedAcknowledged.get() > 2_000);
            stop(tally);
        }
        for (Future<?> one : load) {
            one.get();
        }
    }

    private static void stop(GenericContainer<?> tally) {
        DockerClient docker = DockerClientFactory.instance().client();
        long start = System.nanoTime();
        docker.stopContainerCmd(tally.getContainerId())
                .withTimeout(GRACE_SECONDS)
                .exec();
        long millis = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start);
        ContainerState state = tally.getCurrentContainerInfo().getState();
        String log = tally.getLogs();
        say("stopped under load in %d ms, exit code %d".formatted(millis, state.getExitCodeLong()));
        assertThat(state.getExitCodeLong()).as(log).isEqualTo(ENDED_BY_SIGTERM);
        assertThat(log)
                .contains("Drained and closed lane 0", "Drained and closed lane 1")
                .doesNotContain("ERROR");
    }

    private void incrementUntilGone(TallyClient client) {
        try {
            boolean served;
            do {
                served = plain.increment(client, PLAIN).status() == 200;
            } while (served);
        } catch (UncheckedIOException gone) {
            plain.unanswered();
        }
    }

    private void incrementWithKeysUntilGone(TallyClient client, String keys) {
        for (int i = 0; ; i++) {
            String key = keys + i;
            try {
                Answer answer = client.increment(KEYED, 1, "Idempotency-Key", key);
                if (answer.status() == 200) {
                    keyedAcknowledged.incrementAndGet();
                } else {
                    assertThat(answer.status()).as(answer.body()).isEqualTo(503);
                    keysUnanswered.add(key);
                    return;
                }
            } catch (UncheckedIOException gone) {
                keysUnanswered.add(key);
                return;
            }
        }
    }

    private void checkStored(Database database) throws Exception {
        long stored = stored(database, PLAIN);
        plain.check(stored);
        say("without keys: %s; stored %d".formatted(plain, stored));
        long storedKeyed = stored(database, KEYED);
        say("with keys: %d acknowledged, %d not; stored %d"
                .formatted(keyedAcknowledged.get(), keysUnanswered.size(), storedKeyed));
        assertThat(storedKeyed)
                .isBetween(keyedAcknowledged.get(), keyedAcknowledged.get() + keysUnanswered.size())
                .isEqualTo(database.queryLong("select count(*) from idempotency_key"));
    }

    /** What got no answer is sent again, and then counts once, whether it had been applied or not. */
    private void checkKeptAcrossRestart(TallyClient client, Database database) throws Exception {
        assertThat(client.value(PLAIN)).isEqualTo(stored(database, PLAIN));
        long storedBefore = client.value(KEYED);
        long replayed = 0;
        for (String key : keysUnanswered) {
            Answer answer = client.increment(KEYED, 1, "Idempotency-Key", key);
            assertThat(answer.status()).as(answer.body()).isEqualTo(200);
            replayed += answer.header("Idempotency-Replayed").equals("true") ? 1 : 0;
        }
        assertThat(storedBefore).as("stored before the stop").isEqualTo(keyedAcknowledged.get() + replayed);
        assertThat(client.value(KEYED)).isEqualTo(keyedAcknowledged.get() + keysUnanswered.size());
        client.requireBalancedBooks();
        say("after the restart: %d of those without an answer had been applied; the books balance".formatted(replayed));
    }

    private static long stored(Database database, String counter) throws Exception {
        return database.queryLong("select value from counter where namespace || '/' || name = ?", counter);
    }

    private static PostgreSQLContainer postgres(Network network) {
        // Testcontainers would turn fsync off.
        return new PostgreSQLContainer(DockerImageName.parse(POSTGRES_IMAGE).asCompatibleSubstituteFor("postgres"))
                .withCommand("postgres", "-c", "fsync=on")
                .withNetwork(network)
                .withNetworkAliases(DATABASE_HOST);
    }

    private static Database database(PostgreSQLContainer postgres) {
        return new Database(
                "postgresql://%s:%d/%s"
                        .formatted(
                                postgres.getHost(),
                                postgres.getMappedPort(PostgreSQLContainer.POSTGRESQL_PORT),
                                postgres.getDatabaseName()),
                postgres.getUsername(),
                postgres.getPassword());
    }

    @SuppressWarnings("resource") // its caller closes it
    private static GenericContainer<?> tally(Network network, PostgreSQLContainer postgres) {
        return new GenericContainer<>(DockerImageName.parse(IMAGE))
                .withNetwork(network)
                .withEnv("SPRING_PROFILES_ACTIVE", "kubernetes")
                .withEnv("TALLY_ACCESS_MODE", "open")
                .withEnv("TALLY_DATABASE_URL", "postgresql://" + DATABASE_HOST + "/" + postgres.getDatabaseName())
                .withEnv("TALLY_DATABASE_USERNAME", postgres.getUsername())
                .withEnv("TALLY_DATABASE_PASSWORD", postgres.getPassword())
                .withExposedPorts(HTTP)
                .withCreateContainerCmdModifier(ImageTrial::restrict)
                .waitingFor(Wait.forHttp("/readyz").forPort(HTTP).withStartupTimeout(PATIENCE));
    }

    /** As the deployment has it, with half of its memory. */
    private static void restrict(CreateContainerCmd command) {
        command.getHostConfig()
                .withReadonlyRootfs(true)
                .withCapDrop(Capability.ALL)
                .withSecurityOpts(List.of("no-new-privileges"))
                .withMemory(MEMORY_BYTES)
                .withNanoCPUs(TWO_CORES_NANOS);
    }

    private static URI uri(GenericContainer<?> tally) {
        return URI.create("http://%s:%d".formatted(tally.getHost(), tally.getMappedPort(HTTP)));
    }

    private static double loggedStartSeconds(GenericContainer<?> tally) throws InterruptedException {
        // Ready comes a moment before the line in the log.
        Clients.await(
                "started", PATIENCE, () -> STARTED.matcher(tally.getLogs()).find());
        Matcher matcher = STARTED.matcher(tally.getLogs());
        assertThat(matcher.find()).isTrue();
        return Double.parseDouble(matcher.group(1));
    }

    private static void say(String what) {
        System.out.println("image: " + what);
    }
}
