package io.tally.access;

import io.netty.channel.ChannelOption;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpStatus;
import org.springframework.http.client.reactive.ReactorClientHttpConnector;
import org.springframework.web.reactive.function.client.ClientResponse;
import org.springframework.web.reactive.function.client.WebClient;
import org.springframework.web.reactive.function.client.WebClient.RequestHeadersSpec;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import reactor.netty.http.client.HttpClient;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The documents of an issuer: where its keys are (OpenID Connect Discovery 1.0, section 4), and the keys. At most 256
 * KB each. Redirects are not followed.
 */
final class IssuerDocuments {

    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(2);
    private static final Duration RESPONSE_TIMEOUT = Duration.ofSeconds(2);

    private static final String DISCOVERY_PATH = "/.well-known/openid-configuration";

    private final WebClient http;
    private final JsonMapper json;
    private final @Nullable Path tokenFile;

    /**
     * Loads documents.
     *
     * @param tokenFile a file with the token for the issuer, read at each request, since Kubernetes replaces it; {@code
     *     null} if the issuer needs none
     */
    IssuerDocuments(HttpClient http, JsonMapper json, @Nullable Path tokenFile) {
        this.http = WebClient.builder()
                .clientConnector(new ReactorClientHttpConnector(
                        http.option(ChannelOption.CONNECT_TIMEOUT_MILLIS, (int) CONNECT_TIMEOUT.toMillis())
                                .responseTimeout(RESPONSE_TIMEOUT)))
                .build();
        this.json = json;
        this.tokenFile = tokenFile;
    }

    /** The JWK set at an address. */
    Mono<String> keys(URI address) {
        return tokenFile == null
                ? keys(http.get().uri(address))
                : Mono.fromCallable(() -> Files.readString(tokenFile))
                        .subscribeOn(Schedulers.boundedElastic())
                        .flatMap(token ->
                                keys(http.get().uri(address).headers(fields -> fields.setBearerAuth(token.strip()))));
    }

    private static Mono<String> keys(RequestHeadersSpec<?> request) {
        return request.retrieve()
                .onStatus(status -> !status.equals(HttpStatus.OK), ClientResponse::createException)
                .bodyToMono(String.class);
    }

    /** The JWK set of an issuer. */
    Mono<String> keysOf(String issuer) {
        String base = issuer.endsWith("/") ? issuer.substring(0, issuer.length() - 1) : issuer;
        return keys(URI.create(base + DISCOVERY_PATH))
                .map(document -> keysAddress(issuer, document))
                .flatMap(this::keys);
    }

    private URI keysAddress(String issuer, String document) {
        JsonNode configuration = json.readTree(document);
        String found = configuration.path("issuer").asString("");
        if (!found.equals(issuer)) {
            throw new IllegalArgumentException(
                    "The discovery document is of the issuer '" + found + "' instead of '" + issuer + "'");
        }
        URI address = URI.create(configuration.path("jwks_uri").asString(""));
        if (!"https".equals(address.getScheme()) && issuer.startsWith("https:")) {
            throw new IllegalArgumentException("The jwks_uri of the discovery document is not an https address");
        }
        return address;
    }
}
