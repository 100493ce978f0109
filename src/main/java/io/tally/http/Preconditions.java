package io.tally.http;

import io.tally.counter.Precondition;
import io.tally.counter.Precondition.AtVersion;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.springframework.http.ETag;
import org.springframework.http.HttpHeaders;
import org.springframework.web.reactive.function.server.ServerRequest;

/** {@code If-Match} and {@code If-None-Match} (RFC 9110, section 13.1). */
public final class Preconditions {

    private static final String ANY = "*";

    private Preconditions() {}

    /** What a request that writes asks for. */
    static Precondition of(ServerRequest request) {
        List<String> match = request.headers().header(HttpHeaders.IF_MATCH);
        List<String> noneMatch = request.headers().header(HttpHeaders.IF_NONE_MATCH);
        if (!match.isEmpty()) {
            return ifMatch(String.join(",", match));
        }
        if (noneMatch.isEmpty()) {
            return Precondition.NONE;
        }
        if (noneMatch.size() == 1 && noneMatch.getFirst().trim().equals(ANY)) {
            return Precondition.ABSENT;
        }
        throw new ProblemException(ProblemType.MALFORMED, "If-None-Match is * where something is written.");
    }

    /** Refuses a condition where there is nothing that has a tag (RFC 9110, section 13.1.1). */
    public static void requireNone(ServerRequest request) {
        if (!request.headers().header(HttpHeaders.IF_MATCH).isEmpty()) {
            throw new ProblemException(
                    ProblemType.PRECONDITION_FAILED,
                    "What the request is about has no entity tag that If-Match could match.");
        }
    }

    private static Precondition ifMatch(String header) {
        if (header.trim().equals(ANY)) {
            return Precondition.EXISTS;
        }
        Set<Long> versions = new HashSet<>();
        for (ETag tag : tags(header)) {
            // A weak tag never matches strongly, and a tag that is no version matches none.
            if (!tag.weak() && tag.tag().matches("[1-9][0-9]{0,17}")) {
                versions.add(Long.valueOf(tag.tag()));
            }
        }
        return new AtVersion(versions);
    }

    /** Whether a reader that has what {@code If-None-Match} says has this version already. */
    static boolean unmodified(ServerRequest request, long version) {
        List<String> header = request.headers().header(HttpHeaders.IF_NONE_MATCH);
        if (header.isEmpty()) {
            return false;
        }
        String joined = String.join(",", header);
        return joined.trim().equals(ANY)
                || tags(joined).stream().anyMatch(tag -> tag.tag().equals(Long.toString(version)));
    }

    private static List<ETag> tags(String header) {
        List<ETag> tags = ETag.parse(header);
        if (tags.isEmpty()) {
            throw new ProblemException(ProblemType.MALFORMED, "An entity tag is in double quotes.");
        }
        return tags;
    }
}
