package io.tally.access;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Expiry;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.source.JWKSecurityContextJWKSet;
import com.nimbusds.jose.proc.JWSVerificationKeySelector;
import com.nimbusds.jwt.SignedJWT;
import io.tally.access.AccessRefusals.Reason;
import io.tally.access.IssuerKeys.UnavailableException;
import io.tally.access.JwtProperties.GrantBySubject;
import io.tally.http.AccessControl.Access;
import io.tally.http.AccessControl.Denied;
import io.tally.http.AccessControl.Granted;
import io.tally.http.AccessControl.Pending;
import io.tally.http.Caller;
import io.tally.http.Grant;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.security.oauth2.core.DelegatingOAuth2TokenValidator;
import org.springframework.security.oauth2.core.OAuth2Error;
import org.springframework.security.oauth2.core.OAuth2ErrorCodes;
import org.springframework.security.oauth2.core.OAuth2TokenValidator;
import org.springframework.security.oauth2.core.OAuth2TokenValidatorResult;
import org.springframework.security.oauth2.jwt.Jwt;
import org.springframework.security.oauth2.jwt.JwtAudienceValidator;
import org.springframework.security.oauth2.jwt.JwtClaimNames;
import org.springframework.security.oauth2.jwt.JwtClaimValidator;
import org.springframework.security.oauth2.jwt.JwtIssuerValidator;
import org.springframework.security.oauth2.jwt.JwtTimestampValidator;
import org.springframework.security.oauth2.jwt.JwtTypeValidator;
import org.springframework.security.oauth2.jwt.JwtValidationException;
import org.springframework.security.oauth2.jwt.NimbusReactiveJwtDecoder;
import org.springframework.security.oauth2.jwt.ReactiveJwtDecoder;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Verifies JSON Web Tokens (RFC 7519) that the issuer has signed with a private key. Keeps verified tokens in memory,
 * so that only the first of many requests with a token pays for its signature.
 */
final class JwtVerifier implements TokenVerifier {

    /**
     * The allowed algorithms: those with a private and a public key. With {@code HS256}, a client could sign with the
     * public key as the secret.
     */
    private static final Set<JWSAlgorithm> ALGORITHMS = Stream.of(JWSAlgorithm.Family.RSA, JWSAlgorithm.Family.EC)
            .flatMap(Set::stream)
            .collect(Collectors.toUnmodifiableSet());

    /** The time for which a verified token is kept, unless it expires before. */
    private static final Duration KEPT_MAX = Duration.ofMinutes(5);

    /** The maximum length of all kept tokens together: those of more than 10,000 service accounts. */
    private static final long KEPT_LENGTH_MAX = 16 * 1024 * 1024;

    private static final Base64.Encoder BASE64 = Base64.getUrlEncoder().withoutPadding();

    private final ReactiveJwtDecoder decoder;
    private final AccessRefusals refusals;
    private final List<GrantBySubject> grants;
    private final Clock clock;
    private final Duration clockSkew;
    private final Cache<String, Verified> kept;

    private record Verified(Granted access, Instant expiry) {}

    /**
     * A verifier for the tokens of one issuer.
     *
     * @param clock the time of the day, for the times in tokens
     * @param nanoTime the passing of time, for keeping tokens
     */
    JwtVerifier(JwtProperties settings, IssuerKeys keys, AccessRefusals refusals, Clock clock, LongSupplier nanoTime) {
        this.decoder = decoder(settings, keys, clock);
        this.refusals = refusals;
        this.grants = settings.checkedGrants();
        this.clock = clock;
        this.clockSkew = settings.checkedClockSkew();
        this.kept = Caffeine.newBuilder()
                .maximumWeight(KEPT_LENGTH_MAX)
                .weigher((String token, Verified verified) -> token.length())
                .ticker(nanoTime::getAsLong)
                // Removing what has expired takes microseconds: less than handing it to another thread.
                .executor(Runnable::run)
                .expireAfter(Expiry.creating((String token, Verified verified) -> kept(clock, verified)))
                .build();
    }

    private static ReactiveJwtDecoder decoder(JwtProperties settings, IssuerKeys keys, Clock clock) {
        NimbusReactiveJwtDecoder decoder = NimbusReactiveJwtDecoder.withJwkSource(token -> candidates(keys, token))
                .jwtProcessorCustomizer(processor -> processor.setJWSKeySelector(
                        new JWSVerificationKeySelector<>(ALGORITHMS, new JWKSecurityContextJWKSet())))
                .build();
        decoder.setJwtValidator(new DelegatingOAuth2TokenValidator<>(validators(settings, clock)));
        return decoder;
    }

    /** None for an algorithm that is not allowed, so that such a token does not make Tally load keys. */
    private static Flux<JWK> candidates(IssuerKeys keys, SignedJWT token) {
        return ALGORITHMS.contains(token.getHeader().getAlgorithm())
                ? keys.find(token.getHeader()).flatMapIterable(found -> found)
                : Flux.empty();
    }

    private static List<OAuth2TokenValidator<Jwt>> validators(JwtProperties settings, Clock clock) {
        JwtTypeValidator type = new JwtTypeValidator("JWT", "at+jwt", "application/at+jwt");
        type.setAllowEmpty(true);
        JwtTimestampValidator times = new JwtTimestampValidator(settings.checkedClockSkew());
        times.setAllowEmptyExpiryClaim(false);
        times.setClock(clock);
        List<OAuth2TokenValidator<Jwt>> validators = new ArrayList<>(List.of(
                type,
                times,
                new JwtAudienceValidator(settings.requiredAudience()),
                new JwtClaimValidator<>(JwtClaimNames.SUB, JwtVerifier::isSubject),
                JwtVerifier::requireUnbound));
        if (settings.issuerUri() != null) {
            validators.add(new JwtIssuerValidator(settings.issuerUri().strip()));
        }
        return validators;
    }

    /** Refuses a token that is bound to a key of the client (RFC 7800), since Tally cannot check that. */
    private static OAuth2TokenValidatorResult requireUnbound(Jwt token) {
        return token.hasClaim("cnf")
                ? OAuth2TokenValidatorResult.failure(
                        new OAuth2Error(OAuth2ErrorCodes.INVALID_TOKEN, "The cnf claim is not supported", null))
                : OAuth2TokenValidatorResult.success();
    }

    private static boolean isSubject(@Nullable String subject) {
        return subject != null
                && !subject.isBlank()
                && subject.length() <= SubjectPattern.LENGTH_MAX
                && subject.chars().noneMatch(Character::isISOControl);
    }

    private static Duration kept(Clock clock, Verified verified) {
        Duration rest = Duration.between(clock.instant(), verified.expiry());
        if (rest.isNegative()) {
            return Duration.ZERO;
        }
        return rest.compareTo(KEPT_MAX) < 0 ? rest : KEPT_MAX;
    }

    @Override
    public Access verify(String token) {
        Verified known = kept.getIfPresent(token);
        if (known != null) {
            return known.access();
        }
        if (!isCanonical(token)) {
            return unsigned();
        }
        return new Pending(Mono.defer(() -> decoder.decode(token))
                .map(jwt -> granted(token, jwt))
                .onErrorResume(failure -> Mono.fromSupplier(() -> denied(failure))));
    }

    /**
     * Whether the signature is in its only form (RFC 4648, section 3.5). The decoder ignores other characters and
     * unused bits, so that a client could make many tokens of one, and displace those of others from the memory.
     */
    private static boolean isCanonical(String token) {
        String signature = token.substring(token.lastIndexOf('.') + 1);
        try {
            return BASE64.encodeToString(Base64.getUrlDecoder().decode(signature))
                    .equals(signature);
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    private Access granted(String token, Jwt jwt) {
        String subject = Objects.requireNonNull(jwt.getSubject(), JwtClaimNames.SUB);
        Instant expiry = Objects.requireNonNull(jwt.getExpiresAt(), JwtClaimNames.EXP);
        List<Grant> matching = grants.stream()
                .filter(grant -> grant.subject().matches(subject))
                .map(GrantBySubject::grant)
                .toList();
        Caller caller = new Caller("jwt:" + subject, "jwt:" + digest(subject), matching).until(end(expiry));
        Granted access = new Granted(caller, HttpHeaders.EMPTY);
        kept.put(token, new Verified(access, expiry));
        return access;
    }

    /** Completes when a token is no longer accepted. */
    private Mono<Void> end(Instant expiry) {
        return Mono.defer(() -> Mono.delay(Duration.between(clock.instant(), expiry.plus(clockSkew))))
                .then();
    }

    /** Of the same length for every subject. */
    private static String digest(String subject) {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(subject.getBytes(StandardCharsets.UTF_8));
            return BASE64.encodeToString(digest);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    private Denied denied(Throwable failure) {
        if (failure.getCause() instanceof UnavailableException) {
            return refusals.deny(Reason.ISSUER_UNAVAILABLE, "");
        }
        if (failure instanceof JwtValidationException invalid) {
            return refusals.denyToken(Reason.INVALID, "The token is not valid: " + invalid.getMessage() + ".");
        }
        // The text of other failures may quote a token that the issuer has not signed.
        return unsigned();
    }

    private Denied unsigned() {
        return refusals.denyToken(
                Reason.UNKNOWN, "The credentials are no access key and no token that the issuer has signed.");
    }
}
