package io.tally.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** RFC 7240, section 2. */
class PreferencesTest {

    private static Preferences of(String... fields) {
        return Preferences.of(List.of(fields));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "return=minimal",
                "RETURN=Minimal",
                "return=\"minimal\"",
                "return=\"mini\\mal\"",
                "return = minimal",
                "return\t=\t\"minimal\"",
                "return=minimal; foo=bar",
                "return=minimal;foo=\"a, return=representation\"",
                "return=minimal ; foo",
                "return=minimal;",
                "respond-async, return=minimal",
                "respond-async,return=minimal,wait=10",
                " , ,return=minimal, ",
                "foo=\"a,b\\\" , return=representation\", return=minimal",
                "foo; return=representation, return=minimal",
                "return=minimal, return=representation",
                "not a preference, return=minimal",
                "=minimal, return=minimal",
                "return minimal, return=minimal",
                "int64=string, return=minimal"
            })
    void minimalIsPreferred(String field) {
        assertThat(of(field).has("return", "minimal")).isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                ",",
                "return",
                "return=",
                "return=\"\"",
                "return=representation",
                "return=representation, return=minimal",
                "return; return=minimal",
                "foo; return=minimal",
                "foo=\"return=minimal\"",
                "foo=\"a, return=minimal",
                "return=minimally",
                "return=minimal x",
                "return minimal",
                "return=min imal",
                "re turn=minimal",
                "return=\"minimal",
                "return='minimal'",
                "no-return=minimal"
            })
    void minimalIsNotPreferred(String field) {
        assertThat(of(field).has("return", "minimal")).isFalse();
    }

    @Test
    void severalFieldsAreOneList() {
        assertThat(of("respond-async", "return=minimal").has("return", "minimal"))
                .isTrue();
        assertThat(of("return=representation", "return=minimal").has("return", "minimal"))
                .isFalse();
        assertThat(of("return=minimal", "int64=string").has("int64", "string")).isTrue();
        assertThat(of().has("return", "minimal")).isFalse();
    }

    @ParameterizedTest
    @ValueSource(strings = {",", ";", "\"", "\\", "a", "a=", "=", " ", "a=\"\\\"", "a ", "\"\\"})
    @Timeout(10)
    void longFieldIsReadAtOnce(String piece) {
        assertThat(of(piece.repeat(8_000)).has("return", "minimal")).isFalse();
    }
}
