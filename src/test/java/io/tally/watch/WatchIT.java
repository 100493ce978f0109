package io.tally.watch;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.testing.Clients;
import io.tally.testing.Database;
import io.tally.testing.EventStream;
import io.tally.testing.EventStream.Event;
import io.tally.testing.Postgres;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyClient.Answer;
import io.tally.testing.TallyServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What those see who watch counters at one instance, while clients write at another. */
@Tag("four-shards")
@Timeout(300)
class WatchIT {

    private static Database database;
    private static TallyServer watched;
    private static TallyServer written;
    private static TallyClient client;
    private static TallyClient writer;

    @BeforeAll
    static void start() throws SQLException {
        database = Postgres.shared().createDatabase();
        watched = TallyServer.start(database, "tally.watch.interval", "20ms", "tally.watch.heartbeat", "200ms");
        written = TallyServer.start(database);
        client = new TallyClient(watched.uri());
        writer = new TallyClient(written.uri());
    }

    @AfterAll
    static void stop() {
        writer.requireBalancedBooks();
        written.close();
        watched.close();
    }

    /** Nothing is kept of clients that have gone. */
    @AfterEach
    void leavesNothing() throws InterruptedException {
        for (TallyServer server : List.of(watched, written)) {
            Watches watches = server.bean(Watches.class);
            Clients.await("no stream", Clients.PATIENCE, () -> watches.streams() == 0 && watches.counters() == 0);
        }
    }

    private static EventStream open(String path, String... headers) {
        return open(watched, path, headers);
    }

    private static EventStream open(TallyServer server, String path, String... headers) {
        EventStream stream = new EventStream(server.uri(), "/v1/counters/" + path, headers);
        assertThat(stream.status()).isEqualTo(200);
        return stream;
    }

    private static double scraped(TallyServer server, String meter) {
        return new TallyClient(server.managementUri())
                .get("/actuator/prometheus")
                .body()
                .lines()
                .filter(line -> line.startsWith(meter + " "))
                .map(line -> line.substring(meter.length() + 1))
                .mapToDouble(Double::parseDouble)
                .findFirst()
                .orElseThrow();
    }

    // ---- one counter

    @Test
    void sendsTheStateAndThenEachNewerOneWhoeverWrites() throws Exception {
        writer.increment("watch/hits", 5);
        double before = scraped(watched, "tally_watch_events_total");
        try (EventStream stream = open("watch/hits/events")) {
            assertThat(stream.header("Content-Type")).isEqualTo("text/event-stream");
            assertThat(stream.header("Cache-Control")).isEqualTo("no-store");
            assertThat(stream.header("X-Accel-Buffering")).isEqualTo("no");
            Event first = stream.await(1);
            assertThat(first.id()).isEqualTo("1");
            assertThat(first.type()).isEqualTo("message");
            assertThat(first.data())
                    .isEqualTo(writer.get("/v1/counters/watch/hits").json());

            Clients.atOnce(8, thread -> {
                for (int i = 0; i < 100; i++) {
                    assertThat(writer.increment("watch/hits", 1).status()).isEqualTo(200);
                }
                return thread;
            });
            Event last = stream.awaitVersion("hits", 801);
            assertThat(last.value()).isEqualTo(805);
            List<Event> events = stream.events();
            assertThat(events).hasSizeBetween(2, 801);
            assertThat(events.getLast()).isEqualTo(last);
            assertRising(events);
            assertThat(events).allSatisfy(event -> {
                assertThat(event.id()).isEqualTo(Long.toString(event.version()));
                assertThat(event.value()).isEqualTo(event.version() + 4);
            });
            assertThat(scraped(watched, "tally_watch_events_total") - before).isEqualTo(events.size());
            assertThat(scraped(watched, "tally_watch_streams")).isEqualTo(1);
        }
    }

    private static void assertRising(List<Event> events) {
        assertThat(events).extracting(Event::version).isSorted().doesNotHaveDuplicates();
    }

    /**
     * Streams that open while it is written miss no state between their first event and later ones.
     */
    @Test
    void whoComesAnyTimeSeesTheLastState() throws Exception {
        writer.increment("watch/race", 1);
        List<EventStream> streams = new CopyOnWriteArrayList<>();
        Clients.atOnce(9, thread -> {
            for (int i = 0; i < 100; i++) {
                if (thread == 0) {
                    writer.increment("watch/race", 1);
                } else if (i % 10 == 0) {
                    streams.add(open("watch/race/events"));
                }
            }
            return thread;
        });
        assertThat(streams).hasSize(80);
        for (EventStream stream : streams) {
            stream.awaitVersion("race", 101);
            assertRising(stream.events());
            stream.close();
        }
    }

    /** The poll of this instance is slow, and knows an older state than the one that was acknowledged. */
    @Test
    void firstStateIsNoOlderThanWhatWasAcknowledged() throws Exception {
        writer.increment("watch/fresh", 1);
        try (EventStream stays = open(written, "watch/fresh/events")) {
            for (int version = 2; version <= 40; version++) {
                client.increment("watch/fresh", 1);
                try (EventStream stream = open(written, "watch/fresh/events")) {
                    assertThat(stream.await(1).version()).isEqualTo(version);
                }
            }
            stays.awaitVersion("fresh", 40);
            assertRising(stays.events());
        }
    }

    @Test
    void resumesAfterTheLastEvent() throws Exception {
        writer.increment("watch/resumed", 1);
        writer.increment("watch/resumed", 1);
        try (EventStream current = open("watch/resumed/events", "Last-Event-ID", "2");
                EventStream older = open("watch/resumed/events", "Last-Event-ID", "1")) {
            assertThat(older.await(1).version()).isEqualTo(2);
            // Beats came, so an event would have, too.
            Clients.await("beats", Clients.PATIENCE, () -> current.comments() >= 3);
            assertThat(current.events()).isEmpty();
            writer.increment("watch/resumed", 1);
            assertThat(current.await(1).version()).isEqualTo(3);
            assertThat(older.await(2).version()).isEqualTo(3);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "x", "-1", "+1", "01", "1.0", "1,1", "1,", "99999999999999999999", "\"1\""})
    void malformedLastEventIdIsNone(String id) throws Exception {
        writer.put("watch/none", "");
        try (EventStream stream = open("watch/none/events", "Last-Event-ID", id)) {
            assertThat(stream.await(1).version()).isEqualTo(1);
        }
    }

    @Test
    void saysThatACounterIsDeletedAndShowsItAgain() throws Exception {
        writer.put("watch/gone", "{\"initial\":7}");
        try (EventStream stream = open("watch/gone/events")) {
            assertThat(stream.await(1).value()).isEqualTo(7);
            writer.send("DELETE", "/v1/counters/watch/gone", "");
            Event deleted = stream.await(2);
            assertThat(deleted.type()).isEqualTo("deleted");
            assertThat(deleted.id()).isEqualTo("0");
            assertThat(deleted.data().toString()).isEqualTo("{\"namespace\":\"watch\",\"name\":\"gone\"}");

            writer.put("watch/gone", "{\"initial\":8}");
            Event again = stream.await(3);
            assertThat(again.type()).isEqualTo("message");
            assertThat(again.id()).isEqualTo("1");
            assertThat(again.value()).isEqualTo(8);
        }
    }

    /** Made again within one interval, it has the version that was sent, and is another counter. */
    @Test
    void seesACounterThatWasMadeAgainWithTheSameVersion() throws Exception {
        for (int i = 0; i < 10; i++) {
            writer.put("watch/again", "{\"initial\":1}");
            try (EventStream stream = open(written, "watch/again/events")) {
                assertThat(stream.await(1).value()).isEqualTo(1);
                writer.send("DELETE", "/v1/counters/watch/again", "");
                writer.put("watch/again", "{\"initial\":2}");
                Clients.await(
                        "the new one",
                        Clients.PATIENCE,
                        () -> stream.events().getLast().value() == 2);
                assertThat(stream.events().getLast().version()).isEqualTo(1);
            }
            writer.send("DELETE", "/v1/counters/watch/again", "");
        }
    }

    // ---- several

    @Test
    void watchesSeveralAlsoThoseThatDoNotExistYet() throws Exception {
        writer.increment("watch/a", 1);
        writer.increment("watch/%C3%BC%20+%2F", 2);
        String path = "watch/events?name=a&name=later&name=%C3%BC+%2B%2F";
        String id;
        try (EventStream stream = open(path)) {
            stream.await(2);
            assertThat(stream.events()).extracting(Event::name).containsExactly("a", "ü +/");
            assertThat(stream.events()).extracting(Event::id).containsExactly("1,0,0", "1,0,1");

            writer.increment("watch/later", 5);
            Event later = stream.await(3);
            assertThat(later.name()).isEqualTo("later");
            assertThat(later.value()).isEqualTo(5);
            assertThat(later.id()).isEqualTo("1,1,1");

            writer.send("DELETE", "/v1/counters/watch/a", "");
            Event deleted = stream.await(4);
            assertThat(deleted.type()).isEqualTo("deleted");
            assertThat(deleted.name()).isEqualTo("a");
            id = deleted.id();
            assertThat(id).isEqualTo("0,1,1");
        }
        writer.increment("watch/later", 5);
        try (EventStream stream = open(path, "Last-Event-ID", id)) {
            assertThat(stream.await(1).name()).isEqualTo("later");
            assertThat(stream.await(1).id()).isEqualTo("0,2,1");
            writer.increment("watch/a", 1);
            assertThat(stream.await(2).id()).isEqualTo("1,2,1");
            assertThat(stream.events()).hasSize(2);
        }
        // A reconnecting client gets an event for a counter that was deleted meanwhile.
        writer.send("DELETE", "/v1/counters/watch/later", "");
        try (EventStream stream = open(path, "Last-Event-ID", "1,2,1")) {
            assertThat(stream.await(1).type()).isEqualTo("deleted");
            assertThat(stream.await(1).id()).isEqualTo("1,0,1");
        }
    }

    @Test
    void hundredNamesAreWatchedTogether() throws Exception {
        String path = "watch/events?"
                + IntStream.range(0, 100).mapToObj(i -> "name=many-" + i).collect(Collectors.joining("&"));
        try (EventStream stream = open(path)) {
            Clients.await("a beat", Clients.PATIENCE, () -> stream.comments() > 0);
            assertThat(stream.events()).isEmpty();
            Answer made = writer.send(
                    "POST",
                    "/v1/increments",
                    IntStream.range(0, 100)
                            .mapToObj(i -> "{\"namespace\":\"watch\",\"name\":\"many-" + i + "\",\"delta\":" + i + "}")
                            .collect(Collectors.joining(",", "[", "]")));
            assertThat(made.status()).isEqualTo(200);
            Event last = stream.await(100);
            assertThat(last.id()).isEqualTo(String.join(",", Collections.nCopies(100, "1")));
            assertThat(stream.events()).extracting(Event::name).doesNotHaveDuplicates();
            assertThat(stream.events())
                    .allSatisfy(event -> assertThat(event.name()).isEqualTo("many-" + event.value()));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"name=a&name=a", "name=", "name=a%00", "name=%FF", "", "NAME=a", "names=a"})
    void badNamesAreMalformed(String query) {
        Answer answer = client.get("/v1/counters/watch/events?" + query, "Accept", "text/event-stream");
        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.problem()).isEqualTo("malformed");
    }

    @ParameterizedTest
    @ValueSource(strings = {"name=%E", "name=a&name=%zz", "name=%"})
    void namesThatNoClientWouldSendAreMalformed(String query) {
        assertThat(statusOf("GET /v1/counters/watch/events?" + query)).isEqualTo(400);
    }

    @Test
    void moreThanHundredNamesAreMalformed() {
        String query = IntStream.rangeClosed(0, 100).mapToObj(i -> "name=" + i).collect(Collectors.joining("&"));
        assertThat(client.get("/v1/counters/watch/events?" + query).problem()).isEqualTo("malformed");
    }

    /** A counter may be called "events": only who asks for events of a namespace gets them. */
    @Test
    void counterCalledEventsStaysACounter() throws Exception {
        assertThat(writer.put("calendar/events", "").status()).isEqualTo(201);
        assertThat(writer.increment("calendar/events", 4).status()).isEqualTo(200);
        assertThat(writer.increment("calendar/events;name=a", 1).status()).isEqualTo(200);
        assertThat(client.value("calendar/events")).isEqualTo(4);
        assertThat(client.get("/v1/counters/calendar/events", "Accept", "*/*")
                        .json()
                        .path("value")
                        .asLong())
                .isEqualTo(4);
        assertThat(client.send("HEAD", "/v1/counters/calendar/events", "").header("ETag"))
                .isEqualTo("\"2\"");
        assertThat(client.get("/v1/counters/calendar/events%3Bname=a")
                        .json()
                        .path("value")
                        .asLong())
                .isEqualTo(1);
        assertThat(client.get("/v1/counters/calendar/events;name=a", "Accept", "text/event-stream")
                        .status())
                .isEqualTo(406);
        // A write is about the counter, whose routes take no name.
        for (String method : List.of("PATCH", "DELETE")) {
            assertThat(writer.send(method, "/v1/counters/calendar/events?name=a", "", "If-Match", "*")
                            .status())
                    .isEqualTo(400);
        }
        assertThat(writer.send("PATCH", "/v1/counters/calendar/events", "{\"value\":9}", "If-Match", "*")
                        .status())
                .isEqualTo(200);
        try (EventStream one = open("calendar/events/events");
                EventStream several = open("calendar/%65vents?name=events&name=other", "Accept", "*/*")) {
            assertThat(one.await(1).value()).isEqualTo(9);
            assertThat(several.await(1).value()).isEqualTo(9);
            assertThat(several.await(1).id()).isEqualTo("3,0");
            writer.increment("calendar/events", 1);
            assertThat(one.await(2).value()).isEqualTo(10);
            assertThat(several.await(2).value()).isEqualTo(10);
        }
        assertThat(writer.send("DELETE", "/v1/counters/calendar/events", "", "Accept", "text/event-stream")
                        .status())
                .isEqualTo(406);
        assertThat(writer.send("DELETE", "/v1/counters/calendar/events", "").status())
                .isEqualTo(204);
        assertThat(client.get("/v1/counters/calendar/events").status()).isEqualTo(404);
        assertThat(client.get("/v1/counters/calendar/events/events").status()).isEqualTo(404);
    }

    // ---- HTTP

    @Test
    void absentCounterIsNotFound() {
        Answer answer = client.get("/v1/counters/watch/absent/events", "Last-Event-ID", "5");
        assertThat(answer.status()).isEqualTo(404);
        assertThat(answer.problem()).isEqualTo("not-found");
        assertThat(answer.header("Content-Type")).isEqualTo("application/problem+json");
        assertThat(client.send("HEAD", "/v1/counters/watch/absent/events", "").status())
                .isEqualTo(404);
    }

    @Test
    void headHasHeadersAndNoStream() {
        writer.put("watch/head", "");
        for (String path : List.of("watch/head/events", "watch/events?name=x")) {
            Answer answer = client.send("HEAD", "/v1/counters/" + path, "");
            assertThat(answer.status()).isEqualTo(200);
            assertThat(answer.header("Content-Type")).isEqualTo("text/event-stream");
            assertThat(answer.header("Cache-Control")).isEqualTo("no-store");
            assertThat(answer.body()).isEmpty();
        }
        assertThat(client.send("HEAD", "/v1/counters/watch/events?name=%FF", "").status())
                .isEqualTo(400);
    }

    @Test
    void otherMethodsAndTypesAreRefused() {
        writer.put("watch/typed", "");
        for (String method : List.of("POST", "PUT", "PATCH", "DELETE")) {
            Answer answer = client.send(method, "/v1/counters/watch/typed/events", "");
            assertThat(answer.status()).isEqualTo(405);
            assertThat(answer.header("Allow").split(", ?")).containsExactlyInAnyOrder("GET", "HEAD", "OPTIONS");
        }
        for (String path : List.of("watch/typed/events", "watch/events?name=typed")) {
            assertThat(client.get("/v1/counters/" + path, "Accept", "application/json")
                            .status())
                    .isEqualTo(406);
        }
        assertThat(client.get("/v1/counters/watch/%FF/events").status()).isEqualTo(400);
        assertThat(client.get("/v1/counters/-/a/events").status()).isEqualTo(400);
    }

    // ---- many, and those who leave

    @Test
    void thousandsThatComeAndGoLeaveNothing() throws Exception {
        IntStream.range(0, 20).forEach(i -> writer.increment("watch/go-" + i, 1));
        int perThread = 150;
        List<Integer> statuses = Clients.atOnce(20, thread -> {
                    Random random = new Random(thread);
                    return IntStream.range(0, perThread)
                            .mapToObj(i -> openAndLeave("go-" + thread, random))
                            .toList();
                })
                .stream()
                .flatMap(List::stream)
                .toList();
        assertThat(statuses).hasSize(20 * perThread).contains(200, 0).containsOnly(200, 0);
        Clients.await("no stream", Clients.PATIENCE, () -> scraped(watched, "tally_watch_streams") == 0);
    }

    /** The status where it is waited for, else 0. */
    private static int openAndLeave(String name, Random random) {
        String path = random.nextBoolean() ? name + "/events" : "events?name=" + name + "&name=absent";
        return exchange("GET /v1/counters/watch/" + path, random.nextBoolean(), random.nextInt(3) > 0);
    }

    private static int statusOf(String request) {
        return exchange(request, /* reset= */ false, /* wait= */ true);
    }

    private static int exchange(String request, boolean reset, boolean wait) {
        try (Socket socket = new Socket(watched.uri().getHost(), watched.uri().getPort())) {
            socket.setSoLinger(reset, 0);
            socket.getOutputStream()
                    .write((request + " HTTP/1.1\r\nHost: tally\r\n\r\n").getBytes(StandardCharsets.US_ASCII));
            if (!wait) {
                return 0;
            }
            byte[] line = socket.getInputStream().readNBytes(12);
            return Integer.parseInt(new String(line, 9, 3, StandardCharsets.US_ASCII));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void endsAllStreamsWhereTheInstanceStops() throws Exception {
        writer.increment("watch/stop", 1);
        TallyServer stopped = TallyServer.start(database);
        List<EventStream> streams = new ArrayList<>();
        for (int i = 0; i < 50; i++) {
            streams.add(open(stopped, i % 2 == 0 ? "watch/stop/events" : "watch/events?name=stop&name=unheard-of"));
        }
        Watches watches = stopped.bean(Watches.class);
        assertThat(watches.streams()).isEqualTo(50);

        long start = System.nanoTime();
        stopped.close();
        // A stream that is not ended is waited for: 25 s.
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(20));
        for (EventStream stream : streams) {
            stream.awaitEnd();
            assertThat(stream.events()).hasSize(1);
            stream.close();
        }
        assertThat(watches.streams()).isZero();
    }

    // ---- limits

    /**
     * An instance on which heart-beats do not come, idle connections and slow clients are closed early, and little
     * fits.
     */
    private static TallyServer strict(int streams) {
        return TallyServer.start(
                database,
                "tally.watch.interval",
                "20ms",
                "tally.watch.heartbeat",
                "10m",
                "tally.http.request-timeout",
                "1s",
                "server.netty.idle-timeout",
                "1s",
                "tally.watch.streams-max",
                Integer.toString(streams));
    }

    @Test
    void oneStreamTooManyIsRefused() throws Exception {
        writer.increment("watch/full", 1);
        try (TallyServer server = strict(2);
                EventStream first = open(server, "watch/full/events")) {
            TallyClient visitor = new TallyClient(server.uri());
            try (EventStream second = open(server, "watch/events?name=full")) {
                for (String path : List.of("full/events", "events?name=full")) {
                    Answer refused = visitor.get("/v1/counters/watch/" + path);
                    assertThat(refused.status()).isEqualTo(503);
                    assertThat(refused.problem()).isEqualTo("overloaded");
                    assertThat(refused.header("Retry-After")).isNotEmpty();
                }
                assertThat(visitor.get("/v1/counters/watch/full").status()).isEqualTo(200);
                second.await(1);
            }
            // A refused one that is not there takes no place either.
            Watches watches = server.bean(Watches.class);
            Clients.await("room", Clients.PATIENCE, () -> watches.streams() == 1);
            assertThat(visitor.get("/v1/counters/watch/absent/events").status()).isEqualTo(404);
            assertThat(watches.streams()).isEqualTo(1);
            open(server, "watch/full/events").close();
            first.await(1);
        }
    }

    @Test
    void streamWithoutEventsIsNotTakenForIdle() throws Exception {
        writer.increment("watch/quiet", 1);
        try (TallyServer server = strict(10);
                EventStream stream = open(server, "watch/quiet/events")) {
            stream.await(1);
            // Idle connections that came later are closed, one after the other.
            for (int i = 0; i < 3; i++) {
                try (Socket idle =
                        new Socket(server.uri().getHost(), server.uri().getPort())) {
                    assertThat(idle.getInputStream().read()).isEqualTo(-1);
                }
            }
            assertThat(stream.isEnded()).isFalse();
            assertThat(stream.comments()).isZero();
            writer.increment("watch/quiet", 1);
            assertThat(stream.await(2).version()).isEqualTo(2);
        }
    }

    /** What it does not read is not kept for it, and it is not waited for. */
    @Test
    void clientThatDoesNotReadIsDroppedAndHarmsNobody() throws Exception {
        String filler = "x".repeat(16);
        List<String> names = IntStream.range(0, 100).mapToObj(i -> filler + i).toList();
        String query = names.stream().map(name -> "name=" + name).collect(Collectors.joining("&"));
        String increments = names.stream()
                .map(name -> "{\"namespace\":\"slow\",\"name\":\"" + name + "\",\"delta\":1}")
                .collect(Collectors.joining(",", "[", "]"));
        try (TallyServer server = strict(10);
                EventStream reader = open(server, "slow/events?" + query);
                Socket lazy = new Socket()) {
            URI uri = server.uri();
            lazy.setReceiveBufferSize(4_096);
            lazy.connect(new InetSocketAddress(uri.getHost(), uri.getPort()));
            lazy.getOutputStream()
                    .write(("GET /v1/counters/slow/events?" + query + " HTTP/1.1\r\nHost: tally\r\n\r\n")
                            .getBytes(StandardCharsets.US_ASCII));
            Watches watches = server.bean(Watches.class);
            Clients.await("both", Clients.PATIENCE, () -> watches.streams() == 2);
            int rounds = 0;
            while (watches.streams() == 2) {
                assertThat(writer.send("POST", "/v1/increments", increments).status())
                        .isEqualTo(200);
                rounds++;
            }
            for (String name : names) {
                reader.awaitVersion(name, rounds);
            }
            assertThat(reader.isEnded()).isFalse();
            assertThat(watches.counters()).isEqualTo(100);
            // Some of what was on its way arrives, then the end.
            long arrived = 0;
            try {
                byte[] piece = new byte[65_536];
                for (int read = lazy.getInputStream().read(piece);
                        read >= 0;
                        read = lazy.getInputStream().read(piece)) {
                    arrived += read;
                }
            } catch (IOException reset) {
                // As good as an end.
            }
            assertThat(arrived).isPositive();
        }
    }
}
