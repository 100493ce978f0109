package io.tally.console;

import io.tally.http.AccessControl;
import io.tally.http.AccessControl.Access;
import io.tally.http.AccessControl.Denied;
import io.tally.http.AccessControl.Granted;
import io.tally.http.AccessControl.Pending;
import io.tally.http.Bodies;
import io.tally.http.ProblemException;
import io.tally.http.Routes;
import io.tally.http.Routes.Route;
import io.tally.http.SessionCookies;
import java.time.Duration;
import java.util.List;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.CacheControl;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpMethod;
import org.springframework.http.ResponseCookie;
import org.springframework.http.ResponseCookie.ResponseCookieBuilder;
import org.springframework.web.reactive.function.server.HandlerFunction;
import org.springframework.web.reactive.function.server.ServerRequest;
import org.springframework.web.reactive.function.server.ServerResponse;
import reactor.core.publisher.Mono;
import tools.jackson.databind.JsonNode;

/**
 * {@code /console/session}: signs a browser in and out. The server keeps no session: the cookie has the credentials
 * themselves, so a revoked key ends it on every instance. There is no such resource where requests need no credentials.
 */
@Configuration(proxyBeanMethods = false)
@ConditionalOnConsole
class SessionRoutes {

    /** The maximum of characters of the credentials. Browsers drop a cookie of more than 4,096 bytes. */
    private static final int KEY_LENGTH_MAX = 3_000;

    /** The path of the cookie without a prefix. */
    private static final String ROOT = "/";

    private final AccessControl access;

    SessionRoutes(AccessControl access) {
        this.access = access;
    }

    @Bean
    Route consoleSessionRoute(SessionCookies cookies) {
        return Routes.resource("/console/session")
                .where(request -> cookies.accepted())
                .onPublic(HttpMethod.POST, ofConsole(this::signIn))
                .onPublic(HttpMethod.DELETE, ofConsole(SessionRoutes::signOut))
                .build();
    }

    /** Otherwise a page of another origin could sign the reader in with a key of its own, or out. */
    private static HandlerFunction<ServerResponse> ofConsole(HandlerFunction<ServerResponse> handler) {
        return request -> {
            if (!SessionCookies.FIELD_VALUE.equals(request.headers().firstHeader(SessionCookies.FIELD))) {
                throw SessionCookies.forged();
            }
            return handler.handle(request);
        };
    }

    private Mono<ServerResponse> signIn(ServerRequest request) {
        ForwardedUrl url = ForwardedUrl.of(request);
        return Bodies.json(request)
                .switchIfEmpty(Mono.error(Bodies::missing))
                .map(SessionRoutes::key)
                .flatMap(key -> granted(access.decide(List.of("Bearer " + key)))
                        .flatMap(granted -> answer(granted, SessionCookies.value(key), url)));
    }

    /**
     * The member {@code key}, without white space around it.
     *
     * @throws ProblemException if there is another member, or no usable key
     */
    private static String key(JsonNode json) {
        String key = "";
        for (var member : Bodies.members(json)) {
            if (!member.getKey().equals("key")) {
                throw Bodies.malformed("A sign-in must have no member but 'key'.");
            }
            key = Bodies.text(member.getKey(), member.getValue()).strip();
        }
        if (key.isEmpty() || key.length() > KEY_LENGTH_MAX || !key.chars().allMatch(c -> c > ' ' && c < 0x7F)) {
            throw Bodies.malformed("'key' must have 1 to " + KEY_LENGTH_MAX + " visible US-ASCII characters.");
        }
        return key;
    }

    private static Mono<Granted> granted(Access access) {
        return switch (access) {
            case Granted granted -> Mono.just(granted);
            case Denied denied -> Mono.error(denied.problem());
            case Pending pending -> pending.access().flatMap(SessionRoutes::granted);
        };
    }

    private static Mono<ServerResponse> answer(Granted granted, String value, ForwardedUrl url) {
        // Without an age, so that the browser forgets it at its end.
        return answer(url, cookie(url, url.path(), value))
                .flatMap(response -> ServerResponse.from(response)
                        .headers(fields -> fields.putAll(granted.fields()))
                        .build());
    }

    private static Mono<ServerResponse> signOut(ServerRequest request) {
        ForwardedUrl url = ForwardedUrl.of(request);
        return answer(url, expired(url, url.path()));
    }

    private static Mono<ServerResponse> answer(ForwardedUrl url, ResponseCookieBuilder cookie) {
        return ServerResponse.noContent()
                .cacheControl(CacheControl.noStore())
                .headers(fields -> {
                    if (!url.path().equals(ROOT)) {
                        // A browser would send it, too, and two are refused.
                        add(fields, expired(url, ROOT));
                    }
                    add(fields, cookie);
                })
                .build();
    }

    private static void add(HttpHeaders fields, ResponseCookieBuilder cookie) {
        fields.add(HttpHeaders.SET_COOKIE, cookie.build().toString());
    }

    private static ResponseCookieBuilder expired(ForwardedUrl url, String path) {
        return cookie(url, path, "").maxAge(Duration.ZERO);
    }

    private static ResponseCookieBuilder cookie(ForwardedUrl url, String path, String value) {
        return ResponseCookie.from(SessionCookies.NAME, value)
                .path(path)
                .httpOnly(true)
                .sameSite("Strict")
                .secure(url.secure());
    }
}
