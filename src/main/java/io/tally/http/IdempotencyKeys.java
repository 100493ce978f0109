package io.tally.http;

import io.tally.counter.IdempotencyKey;
import io.tally.counter.Outcome;
import io.tally.idempotency.IdempotentResult;
import io.tally.idempotency.IdempotentResult.Fresh;
import io.tally.idempotency.IdempotentResult.KeyReused;
import io.tally.idempotency.IdempotentResult.Replayed;
import java.util.List;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.web.reactive.function.server.ServerRequest;
import org.springframework.web.reactive.function.server.ServerResponse;
import reactor.core.publisher.Mono;

/** {@code Idempotency-Key}, bare or as a structured field's string (RFC 9651, section 3.3.3). */
public final class IdempotencyKeys {

    public static final String HEADER = "Idempotency-Key";

    public static final String REPLAYED = "Idempotency-Replayed";

    private IdempotencyKeys() {}

    /**
     * The key of a request, or {@code null} if it has none.
     *
     * @throws ProblemException if it is malformed
     */
    public static @Nullable IdempotencyKey of(ServerRequest request, String scope) {
        return of(request.headers().header(HEADER), scope);
    }

    /** The key in the values of all Idempotency-Key fields. */
    public static @Nullable IdempotencyKey of(List<String> values, String scope) {
        if (values.isEmpty()) {
            return null;
        }
        if (values.size() > 1) {
            throw new ProblemException(ProblemType.MALFORMED, "A request must have at most one Idempotency-Key.");
        }
        return key(scope, unquoted(values.getFirst().trim()));
    }

    /**
     * The response to a request with an idempotency key.
     *
     * @param answer the response to a result; gets a change of the header fields
     */
    public static <T> Mono<ServerResponse> answer(
            IdempotentResult<T> once, BiFunction<T, Consumer<HttpHeaders>, Mono<ServerResponse>> answer) {
        return switch (once) {
            case Fresh<T> fresh -> answer.apply(fresh.result(), headers -> {});
            case Replayed<T> replayed -> answer.apply(replayed.result(), IdempotencyKeys::markReplayed);
            case KeyReused<T> reused -> Problems.answer(new Outcome.KeyReused());
        };
    }

    static IdempotencyKey key(String scope, String text) {
        return Bodies.checked(() -> IdempotencyKey.of(scope, text));
    }

    /** Marks a response as a replay. */
    public static void markReplayed(HttpHeaders headers) {
        headers.set(REPLAYED, "true");
    }

    private static String unquoted(String value) {
        if (!value.startsWith("\"")) {
            return value;
        }
        StringBuilder text = new StringBuilder(value.length());
        for (int i = 1; i < value.length(); i++) {
            char c = value.charAt(i);
            if (c == '"') {
                if (i == value.length() - 1) {
                    return text.toString();
                }
                break;
            }
            if (c == '\\') {
                i++;
                c = i < value.length() ? value.charAt(i) : ' ';
                if (c != '"' && c != '\\') {
                    break;
                }
            }
            text.append(c);
        }
        throw new ProblemException(ProblemType.MALFORMED, "The quotes around the idempotency key do not match.");
    }
}
