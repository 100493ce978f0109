package io.tally.namespace;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.http.Action;
import io.tally.http.Grant;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/** The ranges of names that a caller may read, compared with its grants name by name. */
class NamespaceRangeTest {

    private static final String CHARACTERS = "-.09:AZ_az";

    private final Random random = new Random();

    private static Grant read(String... namespaces) {
        return new Grant(List.of(namespaces), Set.of(Action.READ));
    }

    private static List<NamespaceRange> of(String prefix, @Nullable String after, Grant... grants) {
        return NamespaceRange.of(List.of(grants), prefix, after);
    }

    private static boolean isIn(List<NamespaceRange> ranges, String name) {
        return ranges.stream().anyMatch(range -> range.low().compareTo(name) <= 0 && name.compareTo(range.high()) < 0);
    }

    @Test
    void otherActionsGrantNothing() {
        assertThat(of("", null, new Grant(List.of("*"), Set.of(Action.WRITE, Action.MANAGE, Action.ADMIN))))
                .isEmpty();
    }

    @Test
    void overlappingGrantsAreOneRange() {
        assertThat(of("", null, read("shop", "shop-*", "shop*"), read("shop.a")))
                .hasSize(1);
        assertThat(of("", null, read("*", "shop"), Grant.ALL)).hasSize(1);
        assertThat(of("", null, read("a", "c", "b"))).hasSize(3);
    }

    @Test
    void nothingIsLeftOfOtherNames() {
        assertThat(of("bank", null, read("shop*", "ban"))).isEmpty();
        assertThat(of("", "shop", read("shop", "bank*"))).isEmpty();
        assertThat(of("shop", "shp", read("*"))).isEmpty();
    }

    @RepeatedTest(20)
    void rangesHaveWhatTheGrantsHave() {
        String[] patterns = IntStream.range(0, 1 + random.nextInt(6))
                .mapToObj(i -> text(2) + (random.nextBoolean() ? "*" : ""))
                .toArray(String[]::new);
        String prefix = text(2);
        String after = random.nextBoolean() ? null : text(3);
        List<NamespaceRange> ranges = of(prefix, after, read(patterns));
        for (int i = 1; i < ranges.size(); i++) {
            assertThat(ranges.get(i).low()).isGreaterThan(ranges.get(i - 1).high());
        }
        for (int i = 0; i < 2_000; i++) {
            String name = text(4);
            boolean expected = name.startsWith(prefix)
                    && (after == null || name.compareTo(after) > 0)
                    && List.of(patterns).stream().anyMatch(pattern -> matches(pattern, name));
            assertThat(isIn(ranges, name))
                    .as("%s of %s with %s after %s", name, List.of(patterns), prefix, after)
                    .isEqualTo(expected);
        }
    }

    private static boolean matches(String pattern, String name) {
        return pattern.endsWith("*")
                ? name.startsWith(pattern.substring(0, pattern.length() - 1))
                : name.equals(pattern);
    }

    private String text(int max) {
        StringBuilder text = new StringBuilder();
        for (int length = random.nextInt(max + 1); length > 0; length--) {
            text.append(CHARACTERS.charAt(random.nextInt(CHARACTERS.length())));
        }
        return text.toString();
    }
}
