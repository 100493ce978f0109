package io.tally.http;

import io.tally.counter.Precondition;
import io.tally.counter.Precondition.AtVersion;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.web.reactive.function.server.ServerRequest;
import org.springframework.web.reactive.function.server.ServerResponse;
import reactor.core.publisher.Mono;

/** {@code If-Match} and {@code If-None-Match} (RFC 9110, section 13). */
final class Preconditions {

    private Preconditions() {}

    /** The precondition of a request that writes a counter. */
    static Precondition of(ServerRequest request) {
        EntityTags match = EntityTags.of(request, HttpHeaders.IF_MATCH);
        boolean absent = requiresAbsence(EntityTags.of(request, HttpHeaders.IF_NONE_MATCH));
        if (match == null) {
            return absent ? Precondition.ABSENT : Precondition.NONE;
        }
        if (absent) {
            // No counter matches a tag and is absent.
            return new AtVersion(Set.of());
        }
        return match.any() ? Precondition.EXISTS : new AtVersion(match.versions());
    }

    private static boolean requiresAbsence(@Nullable EntityTags noneMatch) {
        if (noneMatch == null || noneMatch.any()) {
            return noneMatch != null;
        }
        if (noneMatch.tags().stream().anyMatch(tag -> !tag.equals("\"\"") && !tag.equals("W/\"\""))) {
            throw new ProblemException(ProblemType.MALFORMED, "If-None-Match of a write must be *.");
        }
        return false;
    }

    /** Refuses {@code If-Match} for resources without an entity tag (RFC 9110, section 13.1.1). */
    static void requireNone(ServerRequest request) {
        if (!request.headers().header(HttpHeaders.IF_MATCH).isEmpty()) {
            throw noTag();
        }
    }

    /**
     * The response to a read: the given one, or {@code 412} or {@code 304} if a precondition of the request is false. A
     * response other than a success stays unchanged (section 13.2.1).
     *
     * <p>A success without an entity tag fulfils {@code If-Match: *}, and matches no list of tags. {@code
     * If-None-Match} does not apply to it: without a tag, a client cannot know that its representation is current.
     */
    static Mono<ServerResponse> evaluate(ServerRequest request, ServerResponse found) {
        if (!found.statusCode().is2xxSuccessful()) {
            return Mono.just(found);
        }
        EntityTags match = EntityTags.of(request, HttpHeaders.IF_MATCH);
        String tag = found.headers().getETag();
        if (tag == null) {
            if (match != null && !match.any()) {
                throw noTag();
            }
            return Mono.just(found);
        }
        if (match != null && !match.matchStrongly(tag)) {
            throw new ProblemException(ProblemType.PRECONDITION_FAILED, "The entity tag is " + tag + ".");
        }
        EntityTags noneMatch = EntityTags.of(request, HttpHeaders.IF_NONE_MATCH);
        return noneMatch != null && noneMatch.matchWeakly(tag)
                ? ServerResponse.status(HttpStatus.NOT_MODIFIED).eTag(tag).build()
                : Mono.just(found);
    }

    private static ProblemException noTag() {
        return new ProblemException(
                ProblemType.PRECONDITION_FAILED, "The resource has no entity tag, so If-Match cannot match.");
    }
}
