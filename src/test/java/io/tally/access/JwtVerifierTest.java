package io.tally.access;

import static org.assertj.core.api.Assertions.assertThat;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.crypto.MACSigner;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.jwk.RSAKey;
import com.nimbusds.jwt.PlainJWT;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.tally.access.JwtProperties.SubjectGrant;
import io.tally.http.AccessControl.Access;
import io.tally.http.AccessControl.Denied;
import io.tally.http.AccessControl.Granted;
import io.tally.http.AccessControl.Pending;
import io.tally.http.Action;
import io.tally.http.Caller;
import io.tally.http.ProblemException;
import io.tally.http.Problems;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.Base64;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;
import reactor.netty.http.client.HttpClient;
import tools.jackson.databind.json.JsonMapper;

/** Tokens of an issuer that listens on the loopback interface. */
@Timeout(120)
class JwtVerifierTest {

    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final RSAKey OLD = Issuer.rsa("old");
    private static final RSAKey NEW = Issuer.rsa("new");
    private static final RSAKey FOREIGN = Issuer.rsa("old");
    private static final ECKey CURVE = Issuer.ec("curve");

    private final Issuer issuer = Issuer.start(OLD.toPublicJWK(), CURVE.toPublicJWK());
    private final Time time = new Time();
    private final AccessRefusals refusals = new AccessRefusals(new SimpleMeterRegistry());

    @AfterEach
    void stop() {
        issuer.close();
    }

    /** A time that passes when the test says so. */
    private static final class Time extends Clock {

        private volatile Instant now = Instant.parse("2026-11-26T12:00:00Z");

        void pass(Duration duration) {
            now = now.plus(duration);
        }

        long nanos() {
            return TimeUnit.SECONDS.toNanos(now.getEpochSecond()) + now.getNano();
        }

        @Override
        public Instant instant() {
            return now;
        }

        @Override
        public ZoneId getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
            return this;
        }
    }

    private static SubjectGrant grant(String subject, String namespace, String... actions) {
        return new SubjectGrant(subject, List.of(namespace), List.of(actions));
    }

    private JwtProperties settings(@Nullable String issuerUri, @Nullable String jwkSetUri) {
        return new JwtProperties(
                issuerUri,
                jwkSetUri,
                Issuer.AUDIENCE,
                Duration.ofSeconds(30),
                null,
                null,
                List.of(
                        grant("system:serviceaccount:shop:*", "shop", "read", "write"),
                        grant("system:serviceaccount:*:checkout", "basket-*", "write"),
                        grant("system:serviceaccount:bank:teller", "bank", "read")));
    }

    private IssuerKeys keys() {
        return new IssuerKeys(documents().keysOf(issuer.uri()), time::nanos);
    }

    private static IssuerDocuments documents() {
        return new IssuerDocuments(HttpClient.newConnection(), new JsonMapper(), null);
    }

    private JwtVerifier verifier() {
        return verifier(keys());
    }

    private JwtVerifier verifier(IssuerKeys keys) {
        return new JwtVerifier(settings(issuer.uri(), null), keys, refusals, time, time::nanos);
    }

    private static Access decide(JwtVerifier verifier, String token) {
        return verifier.verify(token) instanceof Pending pending
                ? Objects.requireNonNull(pending.access().block(PATIENCE))
                : verifier.verify(token);
    }

    /** The status of a refusal; 200 if there is none. */
    private static int status(Access access) {
        return access instanceof Denied denied ? denied.problem().problem().getStatus() : 200;
    }

    private static String detail(Access access) {
        return Objects.requireNonNull(((Denied) access).problem().problem().getDetail());
    }

    private String token(RSAKey key) {
        return issuer.token(key, time.now);
    }

    @Test
    void grantsWhatThePatternsOfTheSubjectGrant() {
        Caller caller = ((Granted) decide(verifier(), token(OLD))).caller();
        assertThat(caller.name()).isEqualTo("jwt:system:serviceaccount:shop:checkout");
        assertThat(caller.may(Action.READ, "shop")).isTrue();
        assertThat(caller.may(Action.WRITE, "shop")).isTrue();
        assertThat(caller.may(Action.MANAGE, "shop")).isFalse();
        assertThat(caller.may(Action.WRITE, "basket-7")).isTrue();
        assertThat(caller.may(Action.READ, "basket-7")).isFalse();
        assertThat(caller.may(Action.READ, "bank")).isFalse();
        assertThat(issuer.loads()).isEqualTo(1);
    }

    @Test
    void grantsNothingToASubjectWithoutAPattern() {
        String token = issuer.token(OLD, time.now, claims -> claims.subject("system:serviceaccount:shopping:web"));
        assertThat(((Granted) decide(verifier(), token)).caller().grants()).isEmpty();
    }

    @Test
    void theScopeOfASubjectIsStableAndBounded() {
        JwtVerifier verifier = verifier();
        String longest = "s".repeat(SubjectPattern.LENGTH_MAX);
        String first = scope(verifier, issuer.token(OLD, time.now, claims -> claims.subject(longest)));
        time.pass(Duration.ofMinutes(1));
        assertThat(scope(verifier, issuer.token(OLD, time.now, claims -> claims.subject(longest))))
                .isEqualTo(first);
        assertThat(scope(verifier(), issuer.token(OLD, time.now, claims -> claims.subject(longest))))
                .isEqualTo(first);
        assertThat(scope(verifier, token(OLD))).isNotEqualTo(first).hasSameSizeAs(first);
        assertThat(first).startsWith("jwt:").hasSize(47);
    }

    private static String scope(JwtVerifier verifier, String token) {
        return Objects.requireNonNull(
                ((Granted) decide(verifier, token)).caller().scope());
    }

    @Test
    void decidesAtOnceOnATokenThatWasVerified() {
        JwtVerifier verifier = verifier();
        String token = token(OLD);
        assertThat(verifier.verify(token)).isInstanceOf(Pending.class);
        assertThat(decide(verifier, token)).isInstanceOf(Granted.class);
        assertThat(verifier.verify(token)).isInstanceOf(Granted.class);
        time.pass(Duration.ofSeconds(299));
        assertThat(verifier.verify(token)).isInstanceOf(Granted.class);
        time.pass(Duration.ofSeconds(2));
        assertThat(verifier.verify(token)).isInstanceOf(Pending.class);
    }

    @Test
    void streamsEndWithTheirToken() {
        JwtVerifier verifier = verifier();
        String token =
                issuer.token(OLD, time.now, claims -> claims.expirationTime(Date.from(time.now.plusSeconds(60))));
        Mono<Void> end = ((Granted) decide(verifier, token)).caller().end();
        time.pass(Duration.ofSeconds(60));
        assertThat(Mono.firstWithSignal(end.thenReturn("ended"), Mono.just("open"))
                        .block())
                .as("within the clock skew")
                .isEqualTo("open");
        time.pass(Duration.ofSeconds(60));
        assertThat(end.thenReturn("ended").block(Duration.ofSeconds(30))).isEqualTo("ended");
    }

    @Test
    void keepsATokenUntilItExpires() {
        JwtVerifier verifier = verifier();
        String token =
                issuer.token(OLD, time.now, claims -> claims.expirationTime(Date.from(time.now.plusSeconds(60))));
        assertThat(decide(verifier, token)).isInstanceOf(Granted.class);
        time.pass(Duration.ofSeconds(59));
        assertThat(verifier.verify(token)).isInstanceOf(Granted.class);
        time.pass(Duration.ofSeconds(2));
        assertThat(verifier.verify(token)).as("within the clock skew").isInstanceOf(Pending.class);
        assertThat(decide(verifier, token)).isInstanceOf(Granted.class);
        time.pass(Duration.ofSeconds(30));
        assertThat(status(decide(verifier, token))).isEqualTo(401);
    }

    /** A token that is refused, with a part of the detail. */
    record Refused(String what, String detail) {
        @Override
        public String toString() {
            return what;
        }
    }

    private static final Instant NOW = new Time().now;
    private static final String UNSIGNED = "no token that the issuer has signed";

    static Stream<Refused> refused() {
        return Stream.of(
                new Refused("expired", "Jwt expired at"),
                new Refused("not yet valid", "Jwt used before"),
                new Refused("without an expiry", "exp is required"),
                new Refused("of another audience", "aud claim"),
                new Refused("without an audience", "aud claim"),
                new Refused("of another issuer", "iss claim"),
                new Refused("without an issuer", "iss claim"),
                new Refused("without a subject", "sub claim"),
                new Refused("of a blank subject", "sub claim"),
                new Refused("of a subject in two lines", "sub claim"),
                new Refused("of a subject that is too long", "sub claim"),
                new Refused("bound to a key of the client", "cnf claim"),
                new Refused("of another type", "typ"),
                new Refused("signed by another key", UNSIGNED),
                new Refused("of an unknown key", UNSIGNED),
                new Refused("that brings its own key", UNSIGNED),
                new Refused("that names the address of its key", UNSIGNED),
                new Refused("with a critical field that is unknown", UNSIGNED),
                new Refused("without a signature", UNSIGNED),
                new Refused("with an empty signature", UNSIGNED),
                new Refused("of the algorithm none with a signature", UNSIGNED),
                new Refused("of HS256 with the public key as its secret", UNSIGNED),
                new Refused("of HS256 with the text of the public key as its secret", UNSIGNED),
                new Refused("of an algorithm that the key is not for", UNSIGNED),
                new Refused("with a time that is no number", UNSIGNED),
                new Refused("with a time beyond all times", UNSIGNED),
                new Refused("with claims that are no object", UNSIGNED),
                new Refused("that is encrypted", UNSIGNED),
                new Refused("of dots", UNSIGNED),
                new Refused("of words", UNSIGNED));
    }

    private String refusedToken(String what) throws JOSEException {
        JWSHeader.Builder header = new JWSHeader.Builder(JWSAlgorithm.RS256).keyID("old");
        String good = token(OLD);
        String payload = good.split("\\.", -1)[1];
        return switch (what) {
            case "expired" ->
                issuer.token(
                        OLD, NOW, claims -> claims.issueTime(null).expirationTime(Date.from(NOW.minusSeconds(31))));
            case "not yet valid" ->
                issuer.token(OLD, NOW, claims -> claims.notBeforeTime(Date.from(NOW.plusSeconds(31))));
            case "without an expiry" -> issuer.token(OLD, NOW, claims -> claims.expirationTime(null));
            case "of another audience" -> issuer.token(OLD, NOW, claims -> claims.audience("tally-2"));
            case "without an audience" -> issuer.token(OLD, NOW, claims -> claims.audience((String) null));
            case "of another issuer" -> issuer.token(OLD, NOW, claims -> claims.issuer(issuer.uri() + "/"));
            case "without an issuer" -> issuer.token(OLD, NOW, claims -> claims.issuer(null));
            case "without a subject" -> issuer.token(OLD, NOW, claims -> claims.subject(null));
            case "of a blank subject" -> issuer.token(OLD, NOW, claims -> claims.subject(" "));
            case "of a subject in two lines" -> issuer.token(OLD, NOW, claims -> claims.subject("a\nb"));
            case "of a subject that is too long" ->
                issuer.token(OLD, NOW, claims -> claims.subject("s".repeat(SubjectPattern.LENGTH_MAX + 1)));
            case "bound to a key of the client" ->
                issuer.token(OLD, NOW, claims -> claims.claim("cnf", Map.of("jkt", "0ZcOCORZNYy")));
            case "of another type" ->
                signed(header.type(new JOSEObjectType("logout+jwt")).build());
            case "signed by another key" -> token(FOREIGN);
            case "of an unknown key" -> token(NEW);
            case "that brings its own key" ->
                Issuer.sign(
                        new JWSHeader.Builder(JWSAlgorithm.RS256)
                                .jwk(FOREIGN.toPublicJWK())
                                .build(),
                        Issuer.signer(FOREIGN),
                        issuer.claims(NOW, claims -> {}));
            case "that names the address of its key" ->
                Issuer.sign(
                        new JWSHeader.Builder(JWSAlgorithm.RS256)
                                .keyID("elsewhere")
                                .jwkURL(URI.create(issuer.jwkSetUri()))
                                .build(),
                        Issuer.signer(FOREIGN),
                        issuer.claims(NOW, claims -> {}));
            case "with a critical field that is unknown" ->
                signed(header.criticalParams(Set.of("shop"))
                        .customParam("shop", "x")
                        .build());
            case "without a signature" -> new PlainJWT(issuer.claims(NOW, claims -> {})).serialize();
            case "with an empty signature" -> good.substring(0, good.lastIndexOf('.') + 1);
            case "of the algorithm none with a signature" ->
                encoded("{\"alg\":\"none\",\"kid\":\"old\"}") + good.substring(good.indexOf('.'));
            case "of HS256 with the public key as its secret" ->
                Issuer.sign(
                        new JWSHeader.Builder(JWSAlgorithm.HS256).keyID("old").build(),
                        new MACSigner(OLD.toRSAPublicKey().getEncoded()),
                        issuer.claims(NOW, claims -> {}));
            case "of HS256 with the text of the public key as its secret" ->
                Issuer.sign(
                        new JWSHeader.Builder(JWSAlgorithm.HS256).keyID("old").build(),
                        new MACSigner(OLD.toPublicJWK().toJSONString()),
                        issuer.claims(NOW, claims -> {}));
            case "of an algorithm that the key is not for" ->
                Issuer.sign(
                        new JWSHeader.Builder(JWSAlgorithm.ES256).keyID("old").build(),
                        Issuer.signer(CURVE),
                        issuer.claims(NOW, claims -> {}));
            case "with a time that is no number" -> issuer.token(OLD, NOW, claims -> claims.claim("exp", "tomorrow"));
            case "with a time beyond all times" ->
                issuer.token(OLD, NOW, claims -> claims.claim("exp", Long.MAX_VALUE));
            case "with claims that are no object" -> good.replace(payload, encoded("[1]"));
            case "that is encrypted" ->
                encoded("{\"alg\":\"RSA-OAEP-256\",\"enc\":\"A256GCM\",\"kid\":\"old\"}") + ".a.b.c.d";
            case "of dots" -> "..";
            default -> "correct horse battery staple";
        };
    }

    private String signed(JWSHeader header) {
        return Issuer.sign(header, Issuer.signer(OLD), issuer.claims(NOW, claims -> {}));
    }

    private static String encoded(String json) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(json.getBytes(StandardCharsets.UTF_8));
    }

    @ParameterizedTest
    @MethodSource
    void refused(Refused refused) throws JOSEException {
        Access access = decide(verifier(), refusedToken(refused.what()));
        assertThat(status(access)).isEqualTo(401);
        assertThat(detail(access)).contains(refused.detail());
        ProblemException problem = ((Denied) access).problem();
        assertThat(Problems.fields(problem, "r").getFirst("WWW-Authenticate"))
                .isEqualTo("Bearer realm=\"tally\", error=\"invalid_token\"");
    }

    @Test
    void acceptsTheOtherAlgorithmsAndTypes() {
        JwtVerifier verifier = verifier();
        JWSHeader curve = new JWSHeader.Builder(JWSAlgorithm.ES256)
                .keyID("curve")
                .type(new JOSEObjectType("at+jwt"))
                .build();
        assertThat(status(decide(verifier, Issuer.sign(curve, Issuer.signer(CURVE), issuer.claims(NOW, claims -> {})))))
                .isEqualTo(200);
        for (JWSAlgorithm algorithm : List.of(JWSAlgorithm.PS256, JWSAlgorithm.RS512)) {
            assertThat(status(decide(verifier, signed(new JWSHeader.Builder(algorithm).build()))))
                    .as(algorithm + " without a key id")
                    .isEqualTo(200);
        }
    }

    @Test
    void withTheAddressOfTheKeysTheIssuerIsFree() {
        JwtVerifier verifier = new JwtVerifier(
                settings(null, issuer.jwkSetUri()),
                new IssuerKeys(documents().keys(URI.create(issuer.jwkSetUri())), time::nanos),
                refusals,
                time,
                time::nanos);
        String token = issuer.token(OLD, NOW, claims -> claims.issuer("https://kubernetes.default.svc"));
        assertThat(status(decide(verifier, token))).isEqualTo(200);
    }

    @Test
    void sendsTheTokenThatTheIssuerRequires(@TempDir Path directory) throws IOException {
        Path file = Files.writeString(directory.resolve("token"), "first\n");
        IssuerDocuments documents = new IssuerDocuments(HttpClient.newConnection(), new JsonMapper(), file);
        IssuerKeys keys = new IssuerKeys(documents.keysOf(issuer.uri()), time::nanos);
        keys.refresh().block(PATIENCE);
        assertThat(issuer.authorization()).isEqualTo("Bearer first");

        Files.writeString(file, "second\n");
        time.pass(IssuerKeys.LOAD_INTERVAL);
        keys.refresh().block(PATIENCE);
        assertThat(issuer.authorization()).isEqualTo("Bearer second");

        Files.delete(file);
        time.pass(IssuerKeys.LOAD_INTERVAL);
        JwtVerifier verifier = verifier(keys);
        assertThat(status(decide(verifier, token(NEW)))).isEqualTo(503);
        assertThat(status(decide(verifier, token(OLD)))).isEqualTo(200);
    }

    @Test
    void followsAnIssuerThatRotatesItsKeys() {
        JwtVerifier verifier = verifier();
        assertThat(status(decide(verifier, token(OLD)))).isEqualTo(200);
        issuer.publish(NEW.toPublicJWK(), OLD.toPublicJWK());
        time.pass(IssuerKeys.LOAD_INTERVAL);
        assertThat(status(decide(verifier, token(NEW)))).isEqualTo(200);
        assertThat(issuer.loads()).isEqualTo(2);
        time.pass(Duration.ofSeconds(1));
        assertThat(status(decide(verifier, token(OLD)))).isEqualTo(200);
        assertThat(issuer.loads()).isEqualTo(2);
    }

    @Test
    void forgetsAKeyThatTheIssuerWithdraws() {
        IssuerKeys keys = keys();
        JwtVerifier verifier = verifier(keys);
        assertThat(status(decide(verifier, token(OLD)))).isEqualTo(200);
        issuer.publish(NEW.toPublicJWK());
        time.pass(Duration.ofMinutes(5));
        keys.refresh().block(PATIENCE);
        assertThat(status(decide(verifier, token(OLD)))).isEqualTo(401);
        assertThat(status(decide(verifier, token(NEW)))).isEqualTo(200);
    }

    @Test
    void inventedKeyIdsDoNotOverloadTheIssuer() {
        JwtVerifier verifier = verifier();
        JWSHeader.Builder header = new JWSHeader.Builder(JWSAlgorithm.RS256);
        String good = token(OLD);
        for (int second = 0; second < 20; second++) {
            for (int i = 0; i < 20; i++) {
                String token = header.keyID(second + "-" + i).build().toBase64URL() + good.substring(good.indexOf('.'));
                assertThat(status(decide(verifier, token))).isEqualTo(401);
            }
            assertThat(status(decide(verifier, good))).isEqualTo(200);
            time.pass(Duration.ofSeconds(1));
        }
        assertThat(issuer.loads()).isEqualTo(4);
    }

    @Test
    void algorithmsThatAreNotAllowedLoadNoKeys() throws JOSEException {
        JwtVerifier verifier = verifier();
        decide(verifier, refusedToken("of HS256 with the public key as its secret"));
        decide(verifier, refusedToken("without a signature"));
        assertThat(issuer.loads()).isZero();
    }

    @Test
    void manyAtOnceShareALoad() {
        JwtVerifier verifier = verifier();
        List<Mono<Access>> pending = IntStream.range(0, 50)
                .mapToObj(i -> ((Pending) verifier.verify(token(OLD))).access())
                .toList();
        List<Access> decided = Objects.requireNonNull(
                Mono.zip(pending, all -> Stream.of(all).map(Access.class::cast).toList())
                        .block(PATIENCE));
        assertThat(decided.stream().map(JwtVerifierTest::status)).hasSize(50).containsOnly(200);
        assertThat(issuer.loads()).isEqualTo(1);
    }

    @Test
    void cancellingOneHasNoEffectOnOthers() {
        JwtVerifier verifier = verifier();
        issuer.hang();
        Disposable one = ((Pending) verifier.verify(token(OLD))).access().subscribe();
        Mono<Access> other = ((Pending) verifier.verify(token(OLD))).access().cache();
        Disposable waiting = other.subscribe();
        one.dispose();
        issuer.release();
        assertThat(status(Objects.requireNonNull(other.block(PATIENCE)))).isEqualTo(200);
        assertThat(waiting.isDisposed()).isTrue();
        assertThat(issuer.loads()).isEqualTo(1);
    }

    @Test
    void whileTheIssuerIsAwayTokensOfKnownKeysAreAccepted() {
        IssuerKeys keys = keys();
        JwtVerifier verifier = verifier(keys);
        assertThat(status(decide(verifier, token(OLD)))).isEqualTo(200);
        issuer.goAway();
        time.pass(Duration.ofMinutes(10));
        keys.refresh().block(PATIENCE);
        String fresh = token(OLD);
        assertThat(verifier.verify(fresh)).isInstanceOf(Pending.class);
        assertThat(status(decide(verifier, fresh))).isEqualTo(200);

        Access refused = decide(verifier, token(NEW));
        assertThat(status(refused)).isEqualTo(503);
        assertThat(detail(refused)).contains("the issuer's keys cannot be loaded");
        ProblemException problem = ((Denied) refused).problem();
        assertThat(problem.problem().getType()).hasToString("/problems/issuer-unavailable");
        assertThat(Problems.fields(problem, "r").getFirst("Retry-After")).isEqualTo("1");

        issuer.comeBack();
        issuer.publish(NEW.toPublicJWK());
        time.pass(IssuerKeys.LOAD_INTERVAL);
        assertThat(status(decide(verifier, token(NEW)))).isEqualTo(200);
    }

    @Test
    void anIssuerThatIsAwayAtTheStartIsFoundLater() {
        issuer.goAway();
        IssuerKeys keys = keys();
        JwtVerifier verifier = verifier(keys);
        keys.refresh().block(PATIENCE);
        assertThat(status(decide(verifier, token(OLD)))).isEqualTo(503);
        issuer.comeBack();
        assertThat(status(decide(verifier, token(OLD))))
                .as("before the next load")
                .isEqualTo(503);
        time.pass(IssuerKeys.LOAD_INTERVAL);
        assertThat(status(decide(verifier, token(OLD)))).isEqualTo(200);
    }

    @Test
    void anIssuerThatDoesNotAnswerIsUnavailable() {
        issuer.hang();
        assertThat(status(decide(verifier(), token(OLD)))).isEqualTo(503);
    }

    @ParameterizedTest
    @ValueSource(ints = {301, 302, 404, 500, 503})
    void anIssuerWithoutADocumentIsUnavailable(int status) {
        issuer.answerWith(status);
        assertThat(status(decide(verifier(), token(OLD)))).isEqualTo(503);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "?",
                "[]",
                "{}",
                "{\"issuer\":\"https://other.example\",\"jwks_uri\":\"KEYS\"}",
                "{\"issuer\":\"ISSUER/\",\"jwks_uri\":\"KEYS\"}",
                "{\"issuer\":\"ISSUER\"}",
                "{\"issuer\":\"ISSUER\",\"jwks_uri\":\"file:///etc/hosts\"}",
                "{\"issuer\":\"ISSUER\",\"jwks_uri\":\"ISSUER/.well-known/openid-configuration\"}"
            })
    void anIssuerWithAnUnusableDocumentIsUnavailable(String document) {
        issuer.describe(document.replace("ISSUER", issuer.uri()).replace("KEYS", issuer.jwkSetUri()));
        assertThat(status(decide(verifier(), token(OLD)))).isEqualTo(503);
    }

    @Test
    void anIssuerWithATooLargeDocumentIsUnavailable() {
        issuer.describe("{\"issuer\":\"" + issuer.uri() + "\",\"more\":\"" + "x".repeat(300_000) + "\"}");
        assertThat(status(decide(verifier(), token(OLD)))).isEqualTo(503);
    }

    @Test
    void everyMutationOfATokenIsRefused() {
        JwtVerifier verifier = verifier();
        String token = token(OLD);
        assertThat(status(decide(verifier, token))).isEqualTo(200);
        Random random = new Random(20_261_126);
        List<String> mutations = IntStream.range(0, 2_000)
                .mapToObj(i -> mutation(token, random))
                .filter(mutation -> !mutation.equals(token))
                .toList();
        assertThat(mutations).hasSizeGreaterThan(1_900);
        assertThat(mutations)
                .allSatisfy(mutation ->
                        assertThat(status(decide(verifier, mutation))).isEqualTo(401));
    }

    @Test
    void aTokenHasOneTextOnly() {
        JwtVerifier verifier = verifier();
        String token = token(OLD);
        char last = token.charAt(token.length() - 1);
        for (String other : List.of(
                token + "=",
                token + "!",
                new StringBuilder(token).insert(token.length() - 9, '\n').toString(),
                token.substring(0, token.length() - 1) + (char) (last + 1))) {
            assertThat(status(decide(verifier, other))).as(other).isEqualTo(401);
        }
        assertThat(status(decide(verifier, token))).isEqualTo(200);
    }

    private static String mutation(String token, Random random) {
        StringBuilder mutated = new StringBuilder(token);
        for (int change = random.nextInt(3); change >= 0; change--) {
            int at = random.nextInt(mutated.length());
            switch (random.nextInt(6)) {
                case 0 -> mutated.deleteCharAt(at);
                case 1 -> mutated.insert(at, (char) (' ' + random.nextInt(95)));
                case 2 -> mutated.setLength(Math.max(1, at));
                case 3 -> mutated.insert(at, mutated.substring(at));
                case 4 -> mutated.setCharAt(at, '.');
                default ->
                    mutated.setCharAt(
                            at,
                            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
                                    .charAt(random.nextInt(64)));
            }
        }
        return mutated.toString();
    }
}
