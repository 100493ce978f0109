package io.tally.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** 64-bit numbers in both forms, as {@link Contract} sees them. */
class Int64SchemasTest {

    private static final String COUNTER = "/v1/counters/shop/stock";

    private static List<String> violations(String request, String response, boolean applied) {
        Map<String, List<String>> fields =
                new HashMap<>(Map.of("content-type", List.of("application/json"), "etag", List.of("\"2\"")));
        if (applied) {
            fields.put("preference-applied", List.of("int64=string"));
        }
        return Contract.shared()
                .violations(new Exchange(
                        "POST",
                        COUNTER + "/increments",
                        Map.of("content-type", List.of("application/json")),
                        request,
                        200,
                        fields,
                        response));
    }

    private static String result(String value) {
        return "{\"value\":" + value + ",\"version\":" + value + ",\"delta\":" + value + "}";
    }

    @Test
    void responseHasNumbersUnlessItSaysOtherwise() {
        assertThat(violations("{}", result("5"), false)).isEmpty();
        assertThat(violations("{}", result("\"5\""), true)).isEmpty();
        assertThat(violations("{}", result("\"5\""), false)).hasSize(3);
        assertThat(violations("{}", result("5"), true)).hasSize(3);
    }

    @ParameterizedTest
    @ValueSource(strings = {"+5", "05", "", "5.0", " 5", "five", "-5"})
    void otherStringIsNoPositiveNumber(String text) {
        assertThat(violations("{}", "{\"value\":\"1\",\"version\":\"" + text + "\",\"delta\":\"1\"}", true))
                .hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"5", "\"5\"", "\"-5\"", "\"9223372036854775807\""})
    void requestMayHaveBothForms(String delta) {
        assertThat(violations("{\"delta\":" + delta + "}", result("5"), false)).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"\"+5\"", "\"five\"", "1.5", "9223372036854775808"})
    void requestHasNothingElse(String delta) {
        assertThat(violations("{\"delta\":" + delta + "}", result("5"), false)).isNotEmpty();
    }
}
