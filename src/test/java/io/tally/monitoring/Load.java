package io.tally.monitoring;

import io.tally.testing.EventStream;
import io.tally.testing.TallyClient;
import java.io.UncheckedIOException;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Something of everything that callers ask for, of several instances at once, until it is closed. Refusals are answers,
 * too.
 */
final class Load implements AutoCloseable {

    private static final Duration PAUSE = Duration.ofMillis(10);
    private static final int COUNTERS = 50;

    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final List<EventStream> streams;
    private volatile boolean going = true;

    private Load(List<URI> instances) {
        // They must exist before the load reads them.
        TallyClient first = new TallyClient(instances.getFirst());
        first.increment("load/hot", 1);
        first.put("load/bounded", "{\"max\":20}");
        streams = instances.stream()
                .map(instance -> new EventStream(instance, "/v1/counters/load/hot/events"))
                .toList();
    }

    /** Begins. */
    static Load on(List<URI> instances) {
        Load load = new Load(instances);
        for (URI instance : instances) {
            kinds().forEach(kind -> load.repeat(new TallyClient(instance), kind));
        }
        return load;
    }

    private void repeat(TallyClient client, Consumer<TallyClient> kind) {
        threads.execute(() -> {
            while (going) {
                try {
                    kind.accept(client);
                } catch (UncheckedIOException cutOff) {
                    // By an instance that stops: the last of its answers.
                }
                LockSupport.parkNanos(PAUSE.toNanos());
            }
        });
    }

    private static List<Consumer<TallyClient>> kinds() {
        return List.of(
                client -> client.increment("load/hot", 1),
                client -> client.increment("load/hot", 2),
                client -> client.increment("load/" + any(), 1),
                Load::keyedAndReplayed,
                Load::boundedAndConditional,
                Load::many,
                Load::periodsAndExpiry,
                Load::comeAndGo,
                Load::namesAndTokens,
                Load::read,
                Load::snapshot);
    }

    private static int any() {
        return ThreadLocalRandom.current().nextInt(COUNTERS);
    }

    private static void keyedAndReplayed(TallyClient client) {
        String key = UUID.randomUUID().toString();
        client.increment("load/keyed", 1, "Idempotency-Key", key);
        client.increment("load/keyed", 1, "Idempotency-Key", key);
    }

    /** Up to the bound and no further, at a version that is not there, and all or nothing. */
    private static void boundedAndConditional(TallyClient client) {
        client.increment("load/bounded", 1);
        client.send("PATCH", "/v1/counters/load/bounded", "{\"value\":1}", "If-Match", "\"1\"");
        client.send(
                "POST",
                "/v1/transactions",
                "{\"increments\":[{\"namespace\":\"load\",\"name\":\"from\",\"delta\":-1},"
                        + "{\"namespace\":\"load\",\"name\":\"to\",\"delta\":1}]}");
    }

    private static void many(TallyClient client) {
        List<String> items = IntStream.range(0, 100)
                .mapToObj(i -> "{\"namespace\":\"load\",\"name\":\"" + any() + "\",\"delta\":1}")
                .toList();
        client.send("POST", "/v1/increments", "[" + String.join(",", items) + "]");
        client.send("POST", "/v1/increments", String.join("\n", items), "Content-Type", "application/x-ndjson");
    }

    private static void periodsAndExpiry(TallyClient client) {
        client.send(
                "POST",
                "/v1/counters/load/quota/increments",
                "{\"delta\":1,\"defaults\":{\"max\":5,\"period\":{\"every\":\"PT1S\"}}}");
        client.send(
                "POST",
                "/v1/counters/load/brief-" + any() + "/increments",
                "{\"delta\":1,\"defaults\":{\"ttlSeconds\":1}}");
    }

    private static void comeAndGo(TallyClient client) {
        String member = "/v1/counters/load/likes/members/" + any();
        client.send("PUT", member, "");
        client.send("DELETE", member, "");
    }

    private static void namesAndTokens(TallyClient client) {
        String names = IntStream.range(0, 10)
                .mapToObj(i -> "\"name-" + any() + "\"")
                .collect(Collectors.joining(",", "[", "]"));
        client.send("POST", "/v1/names/load", names);
        String token = client.post("/v1/tokens/load").json().path("token").asString("none");
        client.post("/v1/tokens/load/" + token + "/execution");
    }

    private static void read(TallyClient client) {
        client.get("/v1/counters/load/hot");
        client.get("/v1/counters/load/absent");
        client.get("/v1/counters/load?sort=-value");
    }

    private static void snapshot(TallyClient client) {
        client.post("/v1/snapshots/load");
        LockSupport.parkNanos(Duration.ofSeconds(1).toNanos());
    }

    /** Stops asking; returns when all were answered. */
    @Override
    public void close() {
        going = false;
        threads.close();
        streams.forEach(EventStream::close);
    }
}
