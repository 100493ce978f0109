package io.tally.access;

import io.tally.access.GrantJson.GrantView;
import io.tally.http.Action;
import io.tally.http.Bodies;
import io.tally.http.Caller;
import io.tally.http.IdempotencyKeys;
import io.tally.http.Paging;
import io.tally.http.ProblemException;
import io.tally.http.ProblemType;
import io.tally.http.RequestPath;
import io.tally.http.Routes;
import io.tally.http.Routes.Route;
import java.net.URI;
import java.security.SecureRandom;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.HttpMethod;
import org.springframework.http.HttpStatus;
import org.springframework.web.reactive.function.server.HandlerFunction;
import org.springframework.web.reactive.function.server.ServerRequest;
import org.springframework.web.reactive.function.server.ServerResponse;
import reactor.core.publisher.Mono;

/** The routes of access keys. */
@Configuration(proxyBeanMethods = false)
@ConditionalOnKeys
class KeyRoutes {

    private static final String KEYS = "/v1/keys";
    private static final String KEY = KEYS + "/{id}";
    private static final List<String> LIST = List.of("keys");

    private final SecureRandom random = new SecureRandom();
    private final InstantSource clock = InstantSource.system();
    private final AccessKeyStore store;
    private final KeyPolls polls;
    private final int keysMax;

    KeyRoutes(AccessKeyStore store, KeyPolls polls, AccessProperties properties) {
        this.store = store;
        this.polls = polls;
        this.keysMax = properties.keysMax();
    }

    /** A key without its secret. */
    record KeyView(
            String id,
            String name,
            List<GrantView> grants,
            @Nullable Integer perSecond,
            Instant createdAt,
            @Nullable Instant expiresAt,
            @Nullable Instant lastUsedAt,
            @Nullable Instant revokedAt) {

        static KeyView of(AccessKey key) {
            return new KeyView(
                    key.id(),
                    key.name(),
                    GrantView.of(key.grants()),
                    key.perSecond(),
                    key.createdAt(),
                    key.expiresAt(),
                    key.lastUsedAt(),
                    key.revokedAt());
        }
    }

    /** A key with its secret, which no other response contains. */
    record NewKeyView(
            String id,
            String name,
            String key,
            List<GrantView> grants,
            @Nullable Integer perSecond,
            Instant createdAt,
            @Nullable Instant expiresAt) {

        static NewKeyView of(AccessKey stored, String key) {
            return new NewKeyView(
                    stored.id(),
                    stored.name(),
                    key,
                    GrantView.of(stored.grants()),
                    stored.perSecond(),
                    stored.createdAt(),
                    stored.expiresAt());
        }

        /** Without the key. */
        @Override
        public String toString() {
            return "NewKeyView[id=" + id + "]";
        }
    }

    @Bean
    Route keysRoute() {
        return Routes.resource(KEYS)
                .on(HttpMethod.POST, Action.ADMIN, unkeyed(this::create))
                .on(HttpMethod.GET, Action.ADMIN, this::list, "limit", "cursor")
                .build();
    }

    @Bean
    Route keyRoute() {
        return Routes.resource(KEY)
                .on(HttpMethod.GET, Action.ADMIN, this::read)
                .on(HttpMethod.DELETE, Action.ADMIN, unkeyed(this::revoke))
                .build();
    }

    @Bean
    Route rotationRoute() {
        return Routes.resource(KEY + "/rotation")
                .on(HttpMethod.POST, Action.ADMIN, unkeyed(this::rotate))
                .build();
    }

    /** The stored result of a request with an idempotency key would contain the secret. */
    private static HandlerFunction<ServerResponse> unkeyed(HandlerFunction<ServerResponse> handler) {
        return request -> {
            if (!request.headers().header(IdempotencyKeys.HEADER).isEmpty()) {
                throw Bodies.malformed("A request for access keys must have no Idempotency-Key.");
            }
            return handler.handle(request);
        };
    }

    // ---- changes

    private Mono<ServerResponse> create(ServerRequest request) {
        return Bodies.json(request)
                .switchIfEmpty(Mono.error(Bodies::missing))
                .map(json -> NewKey.of(json, clock.instant()))
                .flatMap(key -> create(request, key));
    }

    private Mono<ServerResponse> create(ServerRequest request, NewKey wanted) {
        String id = KeyFormat.newId(random);
        String key = KeyFormat.newKey(random, id);
        return store.create(wanted.withId(id, clock.instant()), KeyHash.of(key), keysMax)
                .switchIfEmpty(Mono.error(this::tooMany))
                .flatMap(stored -> changed(request, stored, "created"))
                .flatMap(stored ->
                        Routes.json(ServerResponse.created(URI.create(KEYS + "/" + id)), NewKeyView.of(stored, key)));
    }

    private ProblemException tooMany() {
        return new ProblemException(
                ProblemType.TOO_MANY_KEYS, "There are " + keysMax + " keys, which is tally.access.keys-max.");
    }

    private Mono<ServerResponse> rotate(ServerRequest request) {
        String id = id(request);
        String key = KeyFormat.newKey(random, id);
        return Bodies.json(request)
                .map(NewKey::grace)
                .defaultIfEmpty(NewKey.GRACE_DEFAULT)
                .flatMap(grace -> store.rotate(id, KeyHash.of(key), grace))
                .switchIfEmpty(Mono.error(() -> absent("The key does not exist, or it is revoked or expired.")))
                .flatMap(stored -> changed(request, stored, "rotated"))
                .flatMap(stored -> Routes.json(ServerResponse.status(HttpStatus.CREATED), NewKeyView.of(stored, key)));
    }

    private Mono<ServerResponse> revoke(ServerRequest request) {
        return store.revoke(id(request))
                .switchIfEmpty(Mono.error(KeyRoutes::absent))
                .flatMap(stored -> changed(request, stored, "revoked"))
                .flatMap(stored -> ServerResponse.noContent().build());
    }

    /** Logs a change, and applies it on this instance before the response. */
    private Mono<AccessKey> changed(ServerRequest request, AccessKey key, String change) {
        AccessRefusals.LOG.info("{} {} the key {} ({})", Caller.of(request).name(), change, key.name(), key.id());
        return polls.poll().thenReturn(key);
    }

    // ---- reads

    private Mono<ServerResponse> read(ServerRequest request) {
        return store.find(id(request))
                .switchIfEmpty(Mono.error(KeyRoutes::absent))
                .flatMap(key -> Routes.json(ServerResponse.ok(), KeyView.of(key)));
    }

    private Mono<ServerResponse> list(ServerRequest request) {
        Paging paging = Paging.of(request, LIST);
        List<String> after = paging.after();
        return store.list(
                        after == null ? null : after.getFirst(),
                        after == null ? "" : after.getLast(),
                        paging.limit() + 1)
                .map(keys -> paging.page(keys, LIST, key -> List.of(key.name(), key.id())))
                .flatMap(page -> Routes.list(
                        new Paging.Page<>(page.items().stream().map(KeyView::of).toList(), page.next())));
    }

    private static String id(ServerRequest request) {
        String id = RequestPath.segment(request, 2);
        if (!KeyFormat.isId(id)) {
            throw absent();
        }
        return id;
    }

    private static ProblemException absent() {
        return absent("The key does not exist.");
    }

    private static ProblemException absent(String detail) {
        return new ProblemException(ProblemType.NOT_FOUND, detail);
    }
}
