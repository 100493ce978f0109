package io.tally.access;

import io.tally.StartupException;
import io.tally.counter.Labels;
import io.tally.http.Action;
import io.tally.http.Grant;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.StringUtils;

/**
 * The issuer of tokens, and what their subjects may do. {@code application.yml} says how to choose the values.
 *
 * @param issuerUri the issuer, whose discovery document says where its keys are; {@code null} if the next is set
 * @param jwkSetUri the address of the keys; {@code null} if the previous is set
 * @param audience a token must be meant for it
 * @param clockSkew how far the clocks of the issuer and of this instance may differ
 * @param sslBundle the SSL bundle for connections to the issuer; {@code null} for the certificates that the JVM trusts
 * @param tokenFile a file with the token that the issuer requires for its documents; {@code null} if it requires none
 * @param grants the grants of subjects
 */
@ConfigurationProperties(JwtProperties.PREFIX)
record JwtProperties(
        @Nullable String issuerUri,
        @Nullable String jwkSetUri,
        @Nullable String audience,
        @DefaultValue("1m") Duration clockSkew,
        @Nullable String sslBundle,
        @Nullable Path tokenFile,
        @DefaultValue List<SubjectGrant> grants) {

    static final String PREFIX = "tally.access.jwt";

    private static final String ISSUER_URI = PREFIX + ".issuer-uri";
    private static final String JWK_SET_URI = PREFIX + ".jwk-set-uri";
    private static final String AUDIENCE = PREFIX + ".audience";
    private static final String CLOCK_SKEW = PREFIX + ".clock-skew";
    private static final String GRANTS = PREFIX + ".grants";

    private static final Duration CLOCK_SKEW_MAX = Duration.ofMinutes(10);

    /**
     * The setting of a grant.
     *
     * @param subject a {@link SubjectPattern}
     * @param namespaces see {@link Grant}
     * @param actions the labels of the actions
     */
    record SubjectGrant(
            @Nullable String subject,
            @DefaultValue List<String> namespaces,
            @DefaultValue List<String> actions) {}

    /** A grant for the subjects that match a pattern. */
    record GrantBySubject(SubjectPattern subject, Grant grant) {}

    /** Whether one of the settings without a default has a value. */
    boolean isConfigured() {
        return Stream.of(issuerUri, jwkSetUri, audience, sslBundle).anyMatch(StringUtils::hasText)
                || tokenFile != null
                || !grants.isEmpty();
    }

    /** Where the keys are: the issuer, or else the address of the keys. */
    URI address() {
        if ((issuerUri == null) == (jwkSetUri == null)) {
            throw new StartupException(
                    issuerUri == null
                            ? "Tokens need an issuer. Missing: " + ISSUER_URI + " or " + JWK_SET_URI + "."
                            : ISSUER_URI + " is " + issuerUri + " and " + JWK_SET_URI + " is " + jwkSetUri
                                    + ", but only one of them may be set.",
                    "Set " + ISSUER_URI + " if the issuer has a discovery document, "
                            + "/.well-known/openid-configuration. Set " + JWK_SET_URI + " otherwise.");
        }
        return issuerUri == null ? address(JWK_SET_URI, jwkSetUri) : address(ISSUER_URI, issuerUri);
    }

    private static URI address(String key, @Nullable String text) {
        try {
            URI uri = URI.create(text == null ? "" : text.strip());
            String scheme = uri.getScheme() == null ? "" : uri.getScheme().toLowerCase(Locale.ROOT);
            if ((scheme.equals("https") || scheme.equals("http"))
                    && uri.getHost() != null
                    && uri.getUserInfo() == null
                    && uri.getFragment() == null) {
                return uri;
            }
        } catch (IllegalArgumentException e) {
            // Refused below, without the text of the exception.
        }
        throw new StartupException(
                key + " is not an address of the form https://host/path.",
                "Set " + key + " to an https or http address without a user name, a password and a fragment.");
    }

    /** The required audience. */
    String requiredAudience() {
        if (audience == null || audience.isBlank()) {
            throw new StartupException(
                    AUDIENCE
                            + " is missing. Without it, Tally would accept tokens that were issued for other services.",
                    "Set " + AUDIENCE + " to the audience of the tokens that are meant for Tally, such as tally.");
        }
        return audience.strip();
    }

    /** The allowed difference of clocks. */
    Duration checkedClockSkew() {
        if (clockSkew.isNegative() || clockSkew.compareTo(CLOCK_SKEW_MAX) > 0) {
            throw new StartupException(
                    CLOCK_SKEW + " is " + clockSkew + ", but must be between 0 and 10m.",
                    "Set " + CLOCK_SKEW + " to the difference of the clocks that you expect at most, such as 1m.");
        }
        return clockSkew;
    }

    /** The grants, at least one. */
    List<GrantBySubject> checkedGrants() {
        if (grants.isEmpty()) {
            throw new StartupException(
                    GRANTS + " is missing. Without grants, no token allows anything.",
                    "Set " + GRANTS + "[0].subject, .namespaces and .actions.");
        }
        List<GrantBySubject> checked = new ArrayList<>();
        for (int i = 0; i < grants.size(); i++) {
            checked.add(checked(GRANTS + "[" + i + "]", grants.get(i)));
        }
        return checked;
    }

    private static GrantBySubject checked(String key, SubjectGrant grant) {
        SubjectPattern subject = SubjectPattern.parse(key + ".subject", grant.subject() == null ? "" : grant.subject());
        Set<Action> actions = actions(key + ".actions", grant.actions());
        requireNamespaces(key + ".namespaces", grant.namespaces());
        if (actions.contains(Action.ADMIN) && !grant.namespaces().contains("*")) {
            throw new StartupException(
                    key + ".actions contains admin, but " + key + ".namespaces is " + grant.namespaces() + ".",
                    "The action admin applies to all namespaces. Set the namespaces of this grant to *, or remove"
                            + " admin.");
        }
        return new GrantBySubject(subject, new Grant(grant.namespaces(), actions));
    }

    private static Set<Action> actions(String key, List<String> labels) {
        if (labels.isEmpty()) {
            throw refusedActions(key + " is empty.", key);
        }
        Set<Action> actions = new HashSet<>();
        for (String label : labels) {
            try {
                actions.add(Labels.parse(Action.values(), key, label.strip()));
            } catch (IllegalArgumentException e) {
                throw refusedActions(key + " contains '" + label + "', which is no action.", key);
            }
        }
        return actions;
    }

    private static StartupException refusedActions(String description, String key) {
        return new StartupException(description, "Set " + key + " to some of read, write, manage and admin.");
    }

    private static void requireNamespaces(String key, List<String> patterns) {
        if (patterns.isEmpty()) {
            throw refusedNamespaces(key + " is empty.", key);
        }
        for (String pattern : patterns) {
            try {
                GrantJson.requirePattern(pattern);
            } catch (IllegalArgumentException e) {
                throw refusedNamespaces(key + " contains '" + pattern + "', which is no namespace.", key);
            }
        }
    }

    private static StartupException refusedNamespaces(String description, String key) {
        return new StartupException(
                description,
                "Set " + key + " to namespaces, such as shop. A * at the end stands for any rest, and * alone for all"
                        + " namespaces.");
    }
}
