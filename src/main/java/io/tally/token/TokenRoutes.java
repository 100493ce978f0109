package io.tally.token;

import io.micrometer.core.instrument.MeterRegistry;
import io.tally.counter.IdempotencyKey;
import io.tally.counter.KeyedRequest;
import io.tally.counter.Naming;
import io.tally.http.Action;
import io.tally.http.Bodies;
import io.tally.http.IdempotencyKeys;
import io.tally.http.OperationCounters;
import io.tally.http.ProblemType;
import io.tally.http.Problems;
import io.tally.http.RequestPath;
import io.tally.http.Routes;
import io.tally.http.Routes.Route;
import io.tally.idempotency.IdempotentResult;
import io.tally.token.Execution.Result;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpMethod;
import org.springframework.http.HttpStatus;
import org.springframework.web.reactive.function.server.ServerRequest;
import org.springframework.web.reactive.function.server.ServerResponse;
import reactor.core.publisher.Mono;
import tools.jackson.databind.JsonNode;

/** The routes of tokens: issue and execute. */
@Configuration(proxyBeanMethods = false)
class TokenRoutes {

    private static final String NAMESPACE = "/v1/tokens/{namespace}";
    private static final String EXECUTION = NAMESPACE + "/{token}/execution";

    /** Cannot occur in a token or a number. */
    private static final String SEPARATOR = "\n";

    private final SecureRandom random = new SecureRandom();
    private final TokenStore store;
    private final OperationCounters issues;
    private final OperationCounters executions;

    TokenRoutes(TokenStore store, MeterRegistry registry) {
        this.store = store;
        this.issues = new OperationCounters(registry, "token");
        this.executions = new OperationCounters(registry, "execution");
    }

    /** A token that can be executed. */
    record PendingView(String token, String state, @Nullable Instant expiresAt) {}

    /** A token that was executed. */
    record ExecutedView(String token, String state, Instant executedAt) {}

    @Bean
    Route tokenRoute() {
        return Routes.resource(NAMESPACE)
                .on(HttpMethod.POST, Action.WRITE, this::issue)
                .build();
    }

    @Bean
    Route executionRoute() {
        return Routes.resource(EXECUTION)
                .on(HttpMethod.POST, Action.WRITE, this::execute)
                .build();
    }

    // ---- issuing

    private Mono<ServerResponse> issue(ServerRequest request) {
        String namespace = namespace(request);
        IdempotencyKey key = key(request, namespace);
        return Bodies.json(request)
                .map(TokenRoutes::format)
                .defaultIfEmpty(TokenFormat.DEFAULT)
                .flatMap(format -> issue(namespace, format, key))
                .flatMap(once -> IdempotencyKeys.answer(once, TokenRoutes::answer));
    }

    private Mono<IdempotentResult<Issued>> issue(String namespace, TokenFormat format, @Nullable IdempotencyKey key) {
        Duration ttl = format.ttl();
        KeyedRequest keyed = keyed(
                key,
                "issue",
                Integer.toString(format.size()),
                format.alphabet(),
                ttl == null ? "" : Long.toString(ttl.toSeconds()));
        return issues.counted(
                store.issue(namespace, () -> format.draw(random), ttl, keyed), issued -> issued.token() != null);
    }

    private static Mono<ServerResponse> answer(Issued issued, Consumer<HttpHeaders> headers) {
        String token = issued.token();
        return token == null
                ? Problems.answer(Problems.problem(
                        ProblemType.TOKEN_SPACE_EXHAUSTED,
                        "Tally tried " + TokenStore.TRIES_MAX + " tokens, and all of them are pending."))
                : Routes.json(
                        ServerResponse.status(HttpStatus.CREATED).headers(headers),
                        new PendingView(token, "pending", issued.expiresAt()));
    }

    /** {@code {"size":9,"alphabet":"…","ttlSeconds":3600}}, with optional members. */
    private static TokenFormat format(JsonNode json) {
        long size = TokenFormat.DEFAULT.size();
        String alphabet = TokenFormat.DEFAULT.alphabet();
        Duration ttl = TokenFormat.DEFAULT.ttl();
        for (var member : Bodies.members(json)) {
            switch (member.getKey()) {
                case "size" -> size = Bodies.number(member.getKey(), member.getValue());
                case "alphabet" -> alphabet = Bodies.text(member.getKey(), member.getValue());
                case "ttlSeconds" -> ttl = Duration.ofSeconds(Bodies.int64(member.getKey(), member.getValue()));
                default ->
                    throw Bodies.malformed("A new token must have no members but 'size', 'alphabet' and 'ttlSeconds'.");
            }
        }
        return format(size, alphabet, ttl);
    }

    private static TokenFormat format(long size, String alphabet, @Nullable Duration ttl) {
        // A number beyond an int is out of range anyway.
        int narrowed = Math.clamp(size, 0, Integer.MAX_VALUE);
        return Bodies.checked(() -> new TokenFormat(narrowed, alphabet, ttl));
    }

    // ---- executing

    private Mono<ServerResponse> execute(ServerRequest request) {
        String namespace = namespace(request);
        String token = Bodies.checked(() -> TokenFormat.requireToken(RequestPath.segment(request, 3)));
        KeyedRequest keyed = keyed(key(request, namespace), "execute", token);
        return executions
                .counted(store.execute(namespace, token, keyed), execution -> execution.result() == Result.EXECUTED)
                .flatMap(once ->
                        IdempotencyKeys.answer(once, (execution, headers) -> answer(token, execution, headers)));
    }

    private static Mono<ServerResponse> answer(String token, Execution execution, Consumer<HttpHeaders> headers) {
        Instant executedAt = execution.executedAt();
        if (executedAt != null) {
            return Routes.json(ServerResponse.ok().headers(headers), new ExecutedView(token, "executed", executedAt));
        }
        return Problems.answer(
                execution.result() == Result.EXECUTED_BEFORE
                        ? Problems.problem(ProblemType.TOKEN_EXECUTED, "The token was already executed.")
                        : Problems.problem(ProblemType.NOT_FOUND, "The token does not exist, or it has expired."));
    }

    // ---- both

    private static String namespace(ServerRequest request) {
        return Bodies.checked(() -> Naming.requireNamespace(RequestPath.segment(request, 2)));
    }

    private static @Nullable IdempotencyKey key(ServerRequest request, String namespace) {
        return IdempotencyKeys.of(request, namespace);
    }

    private static @Nullable KeyedRequest keyed(@Nullable IdempotencyKey key, String... parts) {
        return key == null ? null : KeyedRequest.of(key, String.join(SEPARATOR, parts));
    }
}
