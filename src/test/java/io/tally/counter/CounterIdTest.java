package io.tally.counter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

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

    @ParameterizedTest
    @ValueSource(strings = {"a", "0", "Z.y_x-1"})
    void takesNamespace(String namespace) {
        assertThat(new CounterId(namespace, "n").namespace()).isEqualTo(namespace);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", ".a", "-a", "_a", "a b", "ä", "a/b"})
    void refusesNamespace(String namespace) {
        assertThatIllegalArgumentException().isThrownBy(() -> new CounterId(namespace, "n"));
    }

    @ParameterizedTest
    @ValueSource(ints = {65, 1000})
    void refusesLongNamespace(int length) {
        assertThatIllegalArgumentException().isThrownBy(() -> new CounterId("n".repeat(length), "n"));
    }
}
