import io.tally.client.ApiClient;
import io.tally.client.ApiException;
import io.tally.client.api.CountersApi;
import io.tally.client.api.CountersApi.APIGetOrCreateCounterRequest;
import io.tally.client.api.CountersApi.APIIncrementCounterRequest;
import io.tally.client.api.CountersApi.APIListCountersRequest;
import io.tally.client.model.BulkIncrement;
import io.tally.client.model.BulkResult;
import io.tally.client.model.Counter;
import io.tally.client.model.CounterPage;
import io.tally.client.model.Increment;
import io.tally.client.model.Incremented;
import io.tally.client.model.ListedCounter;
import io.tally.client.model.NewCounter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import tools.jackson.databind.ObjectMapper;

/** Uses a Tally through the generated client: {@code java Example http://localhost:8080}. */
public final class Example {

    private static final String NAMESPACE = "java";
    private static final String CLICKS = "clicks on 50% of a/b, größer";
    private static final int COUNT = 1_000;

    private final ApiClient tally = new ApiClient();
    private final CountersApi counters;
    private final ObjectMapper json = tally.getObjectMapper();
    private final HttpClient http = HttpClient.newHttpClient();

    private Example(String uri) {
        tally.updateBaseUri(uri);
        tally.setConnectTimeout(Duration.ofSeconds(5));
        tally.setReadTimeout(Duration.ofSeconds(30));
        counters = new CountersApi(tally);
    }

    public static void main(String[] arguments) throws Exception {
        Example example = new Example(arguments[0]);
        ExecutorService threads = Executors.newFixedThreadPool(8);
        System.out.println(
                "kept " + example.create("large", 9_007_199_254_740_993L).getValue());

        example.create(CLICKS, 0);
        Future<Counter> followed = threads.submit(() -> example.follow(CLICKS, COUNT));
        Callable<Incremented> click = example::click;
        for (Future<Incremented> clicked : threads.invokeAll(Collections.nCopies(COUNT, click))) {
            clicked.get();
        }
        System.out.println("counted to " + example.create(CLICKS, 0).getValue());
        System.out.println("followed to " + followed.get().getValue());
        threads.shutdown();

        List<BulkIncrement> items = IntStream.rangeClosed(1, 250)
                .mapToObj(n -> new BulkIncrement()
                        .namespace(NAMESPACE + "-items")
                        .name("item-" + n)
                        .delta((long) n))
                .toList();
        List<BulkResult> results = Retries.underKey(NAMESPACE + "-upload-1", key -> example.upload(key, items));
        System.out.println("uploaded " + results.size());
        List<ListedCounter> listed = example.list(NAMESPACE + "-items");
        System.out.println("listed " + listed.size() + " with a sum of "
                + listed.stream().mapToLong(ListedCounter::getValue).sum());
    }

    /** Gets or creates a counter. */
    private Counter create(String name, long initial) throws ApiException, InterruptedException {
        return Retries.repeatable(() -> counters.getOrCreateCounter(APIGetOrCreateCounterRequest.newBuilder()
                .namespace(NAMESPACE)
                .name(name)
                .newCounter(new NewCounter().initial(initial))
                .build()));
    }

    /** Adds 1. The key is the id of the click; a key that is kept with the order or the message survives a restart. */
    private Incremented click() throws ApiException, InterruptedException {
        return Retries.underKey(
                UUID.randomUUID().toString(),
                key -> counters.incrementCounter(APIIncrementCounterRequest.newBuilder()
                        .namespace(NAMESPACE)
                        .name(CLICKS)
                        .idempotencyKey(key)
                        .increment(new Increment().delta(1L))
                        .build()));
    }

    /** Reads all pages of a list. */
    private List<ListedCounter> list(String namespace) throws ApiException, InterruptedException {
        List<ListedCounter> listed = new ArrayList<>();
        String cursor = null;
        do {
            APIListCountersRequest request = APIListCountersRequest.newBuilder()
                    .namespace(namespace)
                    .limit(100)
                    .cursor(cursor)
                    .build();
            CounterPage page = Retries.repeatable(() -> counters.listCounters(request));
            listed.addAll(page.getItems());
            cursor = page.getNext();
        } while (cursor != null);
        return listed;
    }

    /** Follows a counter until it has a value. A stream that broke off is opened again: it begins with the state. */
    private Counter follow(String name, long value) throws ApiException, InterruptedException {
        HttpRequest request = request("/v1/counters/" + NAMESPACE + "/" + ApiClient.urlEncode(name) + "/events")
                .header("Accept", "text/event-stream")
                .build();
        while (true) {
            try (Stream<String> lines = Retries.repeatable(() -> send(request))) {
                for (String line : (Iterable<String>) lines::iterator) {
                    if (line.startsWith("data: ")) {
                        Counter counter = json.readValue(line.substring("data: ".length()), Counter.class);
                        if (counter.getValue() >= value) {
                            return counter;
                        }
                    }
                }
            } catch (UncheckedIOException broken) {
                System.err.println("The stream broke off: " + broken.getMessage());
            }
            Thread.sleep(Retries.jitterMillis(0));
        }
    }

    /** Uploads increments as lines. A retry under the same key counts only the lines that were not counted. */
    private List<BulkResult> upload(String key, List<BulkIncrement> increments) throws ApiException {
        HttpRequest request = request("/v1/increments")
                .header("Content-Type", "application/x-ndjson")
                .header("Idempotency-Key", key)
                .POST(BodyPublishers.ofString(
                        increments.stream().map(json::writeValueAsString).collect(Collectors.joining("\n"))))
                .build();
        try (Stream<String> lines = send(request)) {
            List<BulkResult> results =
                    lines.map(line -> json.readValue(line, BulkResult.class)).toList();
            for (BulkResult result : results) {
                if (result.getProblem() != null) {
                    throw new ApiException(
                            result.getProblem().getStatus(), result.getProblem().getDetail());
                }
            }
            return results;
        } catch (UncheckedIOException broken) {
            throw new ApiException(broken.getCause());
        }
    }

    private HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(URI.create(tally.getBaseUri() + path));
    }

    private Stream<String> send(HttpRequest request) throws ApiException {
        try {
            HttpResponse<Stream<String>> response = http.send(request, BodyHandlers.ofLines());
            if (response.statusCode() != 200) {
                String problem = response.body().collect(Collectors.joining());
                throw new ApiException(response.statusCode(), problem, response.headers(), problem);
            }
            return response.body();
        } catch (IOException broken) {
            throw new ApiException(broken);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ApiException(e);
        }
    }
}
