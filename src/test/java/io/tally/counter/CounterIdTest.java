package io.tally.counter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class CounterIdTest {

    static String[] names() {
        return new String[] {"a", "a/b", "ü", "🙂", " ", "x".repeat(256), "ü".repeat(128), "🙂".repeat(64), "%2F", "a;b"
        };
    }

    static String[] malformedNames() {
        return new String[] {
            "",
            "a\u0000b",
            "a\nb",
            "\u007f",
            "\u0085",
            "x".repeat(257),
            "ü".repeat(128) + "x",
            "\ud800",
            "a\udc00",
            "\ud800x"
        };
    }

    @ParameterizedTest
    @MethodSource("names")
    void takesName(String name) {
        assertThat(new CounterId("n", name).name()).isEqualTo(name);
    }

    @ParameterizedTest
    @MethodSource("malformedNames")
    void refusesName(String name) {
        assertThatIllegalArgumentException().isThrownBy(() -> new CounterId("n", name));
    }

    static String[] namespaces() {
        return new String[] {
            "a", "0", "Z.y_x-1", "x".repeat(64), "a:b", "0:0", "a.-_:b.-_", "a".repeat(62) + ":b", "a:" + "b".repeat(62)
        };
    }

    static String[] malformedNamespaces() {
        return new String[] {
            "",
            ".a",
            "-a",
            "_a",
            "a b",
            "ä",
            "a/b",
            "a\u0000",
            "x".repeat(65),
            "x".repeat(1000),
            ":",
            ":b",
            "a:",
            "::",
            "a::b",
            "a:b:c",
            "a:b:",
            ":a:b",
            "-a:b",
            "a:-b",
            "a:.b",
            "a:_b",
            "a: b",
            "a :b",
            "ä:b",
            "a:ä",
            "a:/",
            "a;b",
            "a%3Ab",
            "a\uFF1Ab",
            "a".repeat(63) + ":b",
            "a:" + "b".repeat(63),
            "a".repeat(64) + ":"
        };
    }

    @ParameterizedTest
    @MethodSource("namespaces")
    void takesNamespace(String namespace) {
        assertThat(new CounterId(namespace, "n").namespace()).isEqualTo(namespace);
    }

    @ParameterizedTest
    @MethodSource("malformedNamespaces")
    void refusesNamespace(String namespace) {
        assertThatIllegalArgumentException().isThrownBy(() -> new CounterId(namespace, "n"));
    }
}
