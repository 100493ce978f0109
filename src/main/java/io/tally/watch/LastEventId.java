package io.tally.watch;

import java.util.List;
import java.util.regex.Pattern;
import org.springframework.web.reactive.function.server.ServerRequest;

/**
 * {@code Last-Event-ID}: what a client that comes again has, as the versions of its counters, in the order it names
 * them.
 */
final class LastEventId {

    private static final String HEADER = "Last-Event-ID";

    /** Nineteen digits may be more than 64 bits hold; no counter comes so far. */
    private static final Pattern VERSION = Pattern.compile("0|[1-9][0-9]{0,17}");

    private LastEventId() {}

    /** A version for each counter; 0 for all where the header says nothing that makes sense. */
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
