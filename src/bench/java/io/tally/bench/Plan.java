package io.tally.bench;

import java.net.URI;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/**
 * The parameters of an {@link OpenLoop}.
 *
 * @param rate requests a second
 * @param warmUp seconds that are not measured
 * @param seconds that are
 * @param out where the distribution of the latencies goes
 */
record Plan(URI url, String method, int rate, int connections, int warmUp, int seconds, Path out) {

    /** Reads {@code --url … --method … --rate … --connections … --warm-up … --seconds … --out …}. */
    static Plan of(String... arguments) {
        Map<String, String> options = new HashMap<>();
        for (int i = 0; i + 1 < arguments.length; i += 2) {
            options.put(arguments[i], arguments[i + 1]);
        }
        Plan plan = new Plan(
                URI.create(take(options, "--url")),
                take(options, "--method"),
                number(options, "--rate"),
                number(options, "--connections"),
                number(options, "--warm-up"),
                number(options, "--seconds"),
                Path.of(take(options, "--out")));
        if (!options.isEmpty() || arguments.length % 2 == 1) {
            throw new IllegalArgumentException("Unknown, or without a value: " + String.join(" ", arguments));
        }
        return plan;
    }

    private static int number(Map<String, String> options, String name) {
        return Integer.parseInt(take(options, name));
    }

    private static String take(Map<String, String> options, String name) {
        String value = options.remove(name);
        if (value == null) {
            throw new IllegalArgumentException(name + " is missing.");
        }
        return value;
    }

    /** When a request is due, in nanoseconds after the first. */
    long due(long request) {
        return Math.multiplyExact(request, 1_000_000_000L) / rate;
    }

    long requests() {
        return (long) rate * (warmUp + seconds);
    }

    /** The first request that is measured. */
    long measuredFrom() {
        return (long) rate * warmUp;
    }
}
