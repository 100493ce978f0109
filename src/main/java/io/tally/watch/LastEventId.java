package io.tally.watch;

import java.util.List;
import java.util.regex.Pattern;
import org.springframework.web.reactive.function.server.ServerRequest;

/**
 * {@code Last-Event-ID} of a reconnecting client: the versions of its counters, in the order of the request.
 */
final class LastEventId {

    private static final String HEADER = "Last-Event-ID";

    /** At most eighteen digits: nineteen may exceed 64 bits, and no counter reaches such a version. */
    private static final Pattern VERSION = Pattern.compile("0|[1-9][0-9]{0,17}");

    private LastEventId() {}

    /** A version for each counter; 0 for all if the header is missing or invalid. */
    static long[] versions(ServerRequest request, int counters) {
        List<String> header = request.headers().header(HEADER);
        String[] texts = header.size() == 1 ? header.getFirst().strip().split(",", -1) : new String[0];
        long[] versions = new long[counters];
        if (texts.length == counters) {
            for (int i = 0; i < counters; i++) {
                if (!VERSION.matcher(texts[i]).matches()) {
                    return new long[counters];
                }
                versions[i] = Long.parseLong(texts[i]);
            }
        }
        return versions;
    }
}
