package io.tally;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.counter.Command;
import io.tally.counter.CounterId;
import io.tally.counter.Operation.Increment;
import io.tally.counter.Precondition;
import io.tally.pipeline.CounterPipeline;
import io.tally.testing.Clients;
import io.tally.testing.Database;
import io.tally.testing.Postgres;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyClient.Answer;
import io.tally.testing.TallyServer;
import io.tally.testing.TestShards;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Clients that do not wait for their answers cancel no write, neither their own nor that of others, and leave nothing.
 */
@Timeout(300)
class ClientsGoAwayIT {

    private Database database;
    private TallyServer server;
    private TallyClient client;

    @BeforeEach
    void start() throws SQLException {
        database = Postgres.shared().createDatabase();
        server = TallyServer.start(database);
        client = new TallyClient(server.uri());
    }

    @AfterEach
    void stop() {
        server.close();
    }

    @Test
    void whatEnteredIsWritten() throws Exception {
        CounterPipeline pipeline = server.bean(CounterPipeline.class);
        CounterId counter = new CounterId("gone", "away");
        int operations = 2_000;

        Clients.atOnce(8, thread -> {
            for (int i = 0; i < operations / 8; i++) {
                Precondition precondition = i % 5 == 0 ? Precondition.EXISTS : Precondition.NONE;
                pipeline.apply(Command.of(new Increment(counter, 1, precondition)))
                        .subscribe()
                        .dispose();
            }
            return thread;
        });
        // One that waits stands behind all the others in the same lane.
        Answer last = client.increment("gone/away", 1);

        // A precondition that was decided before the counter existed did not hold.
        long failed = operations + 1 - last.json().path("value").asLong();
        assertThat(failed).isBetween(0L, operations / 5L);
        assertThat(acknowledged()).isEqualTo(last.json().path("value").asLong());
        assertThat(IntStream.range(0, pipeline.writeLanes()).map(pipeline::queued))
                .containsOnly(0);
    }

    private long acknowledged() {
        return server.bean(CounterPipeline.class).ledgers().all().stream()
                .flatMap(ledger -> ledger.acknowledged().values().stream())
                .mapToLong(Long::longValue)
                .sum();
    }

    @Test
    void socketsThatCloseAtRandomHarmNobody() throws Exception {
        int leavers = 400;
        List<Long> patient = Clients.atOnce(40, thread -> {
                    Random random = new Random(thread);
                    if (thread % 2 == 0) {
                        IntStream.range(0, leavers / 20).forEach(i -> sendAndLeave(random));
                        return List.<Long>of();
                    }
                    return IntStream.range(0, 20)
                            .mapToObj(i -> client.increment("gone/shared", 1))
                            .peek(answer -> assertThat(answer.status()).isEqualTo(200))
                            .map(answer -> answer.json().path("value").asLong())
                            .toList();
                })
                .stream()
                .flatMap(List::stream)
                .toList();

        assertThat(patient).hasSize(400).doesNotHaveDuplicates();
        Clients.await("all written", Clients.PATIENCE, () -> client.value("gone/shared") == acknowledged());
        assertThat(client.value("gone/shared")).isBetween(400L, 400L + leavers);
        client.requireBalancedBooks();
        assertThat(database.queryLong("select count(*) from pg_stat_activity"
                        + " where application_name = 'tally' and datname = current_database()"))
                .isLessThanOrEqualTo((2L + 1 + 4) * TestShards.count());
    }

    /** Part of a request, or all of it, or all of it and a look at the first byte of the answer. */
    private void sendAndLeave(Random random) {
        URI uri = server.uri();
        byte[] request = "POST /v1/counters/gone/shared/increments HTTP/1.1\r\nHost: tally\r\n\r\n"
                .getBytes(StandardCharsets.US_ASCII);
        try (Socket socket = new Socket(uri.getHost(), uri.getPort())) {
            socket.setSoLinger(random.nextBoolean(), 0);
            int length = random.nextInt(3) == 0 ? random.nextInt(request.length) : request.length;
            socket.getOutputStream().write(request, 0, length);
            if (length == request.length && random.nextInt(3) == 0) {
                assertThat(socket.getInputStream().read()).isEqualTo('H');
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
