package io.tally.access;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tally.StartupException;
import io.tally.access.JwtProperties.GrantBySubject;
import io.tally.http.Action;
import io.tally.http.Grant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;

/** What the settings of an issuer may be, and the texts of their refusals. */
class JwtPropertiesTest {

    private static final Map<String, String> VALID = Map.of(
            "issuer-uri", "https://issuer.example/realms/shop",
            "audience", "tally",
            "grants[0].subject", "system:serviceaccount:shop:*",
            "grants[0].namespaces", "shop, shop-*, acme:*",
            "grants[0].actions", "read, write");

    private static JwtProperties properties(Map<String, String> values) {
        MapConfigurationPropertySource source = new MapConfigurationPropertySource();
        values.forEach((key, value) -> source.put("tally.access.jwt." + key, value));
        return new Binder(source).bindOrCreate("tally.access.jwt", JwtProperties.class);
    }

    /** Everything that the start reads. */
    private static void check(Map<String, String> values) {
        JwtProperties properties = properties(values);
        properties.address();
        properties.requiredAudience();
        properties.checkedClockSkew();
        properties.checkedGrants();
    }

    @Test
    void readsGrantsOfSubjects() {
        List<GrantBySubject> grants = properties(VALID).checkedGrants();
        assertThat(grants).hasSize(1);
        assertThat(grants.getFirst().grant())
                .isEqualTo(new Grant(List.of("shop", "shop-*", "acme:*"), Set.of(Action.READ, Action.WRITE)));
        assertThat(grants.getFirst().subject().matches("system:serviceaccount:shop:web"))
                .isTrue();
        check(VALID);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            issuer-uri            | ''                       | is not an address of the form https://host/path.
            issuer-uri            | issuer.example           | is not an address of the form https://host/path.
            issuer-uri            | ftp://issuer.example     | is not an address of the form https://host/path.
            issuer-uri            | https://a:b@issuer       | is not an address of the form https://host/path.
            issuer-uri            | https://issuer /         | is not an address of the form https://host/path.
            jwk-set-uri           | https://issuer/keys      | only one of them may be set.
            audience              | ' '                      | is missing.
            clock-skew            | -1s                      | must be between 0 and 10m.
            clock-skew            | 601s                     | must be between 0 and 10m.
            grants[0].subject     | ''                       | is '', but a subject must have 1 to 512 characters
            grants[0].subject     | a b                      | is 'a b', but a subject must have 1 to 512 characters
            grants[0].namespaces  | ''                       | is empty.
            grants[0].namespaces  | shop,-x                  | contains '-x', which is no namespace.
            grants[0].namespaces  | s*p                      | contains 's*p', which is no namespace.
            grants[0].namespaces  | s:                       | contains 's:', which is no namespace.
            grants[0].namespaces  | ':*'                     | contains ':*', which is no namespace.
            grants[0].namespaces  | 's:t:*'                  | contains 's:t:*', which is no namespace.
            grants[0].actions     | ''                       | is empty.
            grants[0].actions     | read,append              | contains 'append', which is no action.
            grants[0].actions     | admin                    | contains admin, but tally.access.jwt.grants[0].namespaces
            """)
    void refuses(String key, String value, String rule) {
        Map<String, String> values = new HashMap<>(VALID);
        values.put(key, value);
        assertThatThrownBy(() -> check(values))
                .isInstanceOf(StartupException.class)
                .hasMessageContaining("tally.access.jwt." + key)
                .hasMessageContaining(rule)
                .hasMessageNotContaining("a:b@");
    }

    @ParameterizedTest
    @CsvSource({"issuer-uri, issuer-uri or", "audience, audience is missing", "grants, grants is missing"})
    void refusesWithout(String key, String rule) {
        Map<String, String> values = new HashMap<>(VALID);
        values.keySet().removeIf(each -> each.startsWith(key));
        assertThatThrownBy(() -> check(values))
                .isInstanceOf(StartupException.class)
                .hasMessageContaining("tally.access.jwt." + rule);
    }

    @ParameterizedTest
    @CsvSource({
        "system:serviceaccount:shop:*, system:serviceaccount:shop:web, true",
        "system:serviceaccount:shop:*, system:serviceaccount:shop:, true",
        "system:serviceaccount:shop:*, system:serviceaccount:shop:web:x, false",
        "system:serviceaccount:shop:*, system:serviceaccount:shopping:web, false",
        "system:serviceaccount:*:web, system:serviceaccount:shop:web, true",
        "system:serviceaccount:*:web, system:serviceaccount:shop:admin:web, false",
        "system:serviceaccount:*:web, system:serviceaccount:shop:web2, false",
        "web-*-eu, web-7-eu, true",
        "web.7, web-7, false",
        "*, anything, true",
        "*, any:thing, false",
        "a\\Eb*, a\\Ebc, true"
    })
    void aStarStandsForAllButAColon(String pattern, String subject, boolean matches) {
        assertThat(SubjectPattern.parse("key", pattern).matches(subject)).isEqualTo(matches);
    }
}
