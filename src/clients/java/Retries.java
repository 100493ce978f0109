import io.tally.client.ApiException;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;

/** Retries requests until Tally answers them, or until a minute has passed. */
final class Retries {

    private static final Duration LIMIT = Duration.ofMinutes(1);
    private static final long FIRST_PAUSE_MILLIS = 50;
    private static final int DOUBLINGS_MAX = 6;
    /** Too many requests, and what Tally or a gateway says while it cannot answer. */
    private static final Set<Integer> TRANSIENT = Set.of(429, 502, 503, 504);

    interface Call<T> {
        T send() throws ApiException;
    }

    interface KeyedCall<T> {
        T send(String key) throws ApiException;
    }

    private Retries() {}

    /** Retries a write. All tries have the same key, so that Tally counts them once. */
    static <T> T underKey(String key, KeyedCall<T> call) throws ApiException, InterruptedException {
        return repeatable(() -> call.send(key));
    }

    /** Retries a request that may arrive twice without a key: a read, or a get-or-create. */
    static <T> T repeatable(Call<T> call) throws ApiException, InterruptedException {
        Instant end = Instant.now().plus(LIMIT);
        for (int retry = 0; ; retry++) {
            try {
                return call.send();
            } catch (ApiException failure) {
                if (!isTransient(failure) || Instant.now().isAfter(end)) {
                    throw failure;
                }
                Thread.sleep(retryAfterMillis(failure) + jitterMillis(retry));
            }
        }
    }

    private static boolean isTransient(ApiException failure) {
        return TRANSIENT.contains(failure.getCode()) || failure.getCause() instanceof IOException;
    }

    private static long retryAfterMillis(ApiException failure) {
        return Optional.ofNullable(failure.getResponseHeaders())
                .flatMap(headers -> headers.firstValue("Retry-After"))
                .filter(seconds -> seconds.matches("[0-9]{1,5}"))
                .map(seconds -> Long.parseLong(seconds) * 1_000)
                .orElse(0L);
    }

    /** A random pause, so that clients do not return all at once. Its limit doubles with each retry. */
    static long jitterMillis(int retry) {
        return ThreadLocalRandom.current().nextLong(FIRST_PAUSE_MILLIS << Math.min(retry, DOUBLINGS_MAX));
    }
}
