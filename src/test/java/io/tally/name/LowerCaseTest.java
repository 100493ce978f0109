package io.tally.name;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.stream.Stream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.Tag;
import net.jqwik.api.Tuple;
import org.junit.jupiter.api.Test;

/**
 * The lower case of a release is that of the JDK it was made for. Where a later JDK fails these tests, stored keys
 * differ from it: keep the table, and say so here.
 */
class LowerCaseTest {

    /** Each kind of character that the words of the JDK tell apart, cased ones and supplementary ones among them. */
    private static final String OF_EACH_KIND = "aA1\u03B1\u2160\u0301\u0345\u20DD\u00AD\u200D\uFEFF-_\u2027.'\",\u066B"
            + "\u0964\u0965%$&#\u00A2 \u00A0!\u4E00\u3042\u30A2\u30FC\u3099\u05D0\u0903\u0130\u02B0\u24B6\u24D0\u05BE"
            + "\u2028\uE000\u0378\t\n\r\u0660\u037A\uD801\uDC00\uD835\uDC00\uD83D\uDE00\uD834\uDD6D\uD835\uDFD8"
            + "\uD840\uDC00\uD800\uDC00\uDB40\uDC01\uDB40\uDD00\uD803\uDEAD\uD804\uDCBD";

    private static String ofTheJdk(String text) {
        return text.toLowerCase(Locale.ROOT);
    }

    @Test
    void theTableIsThatOfTheJdk() throws IOException {
        assertThat(Files.readString(LowerCaseTable.FILE)).isEqualTo(LowerCaseTable.text());
    }

    @Test
    void eachCodePointHasTheLowerCaseOfTheJdk() {
        for (int c = 0; c <= Character.MAX_CODE_POINT; c++) {
            String alone = Character.toString(c);
            if (!LowerCase.of(alone).equals(ofTheJdk(alone))) {
                assertThat(LowerCase.of(alone)).as("U+%04X", c).isEqualTo(ofTheJdk(alone));
            }
        }
    }

    @Provide
    Arbitrary<String> words() {
        int[] kinds = OF_EACH_KIND.codePoints().toArray();
        Arbitrary<Integer> sigma = Arbitraries.just((int) '\u03A3');
        Arbitrary<Integer> ofEachKind =
                Arbitraries.integers().between(0, kinds.length - 1).map(kind -> kinds[kind]);
        Arbitrary<Integer> frequent = Arbitraries.integers().between(0, 15).map(kind -> kinds[kind]);
        Arbitrary<Integer> any = Arbitraries.integers()
                .between(0, Character.MAX_CODE_POINT)
                .filter(c -> c < Character.MIN_SURROGATE || c > Character.MAX_SURROGATE);
        return Arbitraries.frequencyOf(
                        Tuple.of(4, sigma), Tuple.of(6, frequent), Tuple.of(4, ofEachKind), Tuple.of(1, any))
                .list()
                .ofMaxSize(40)
                .map(codePoints -> {
                    StringBuilder text = new StringBuilder();
                    codePoints.forEach(text::appendCodePoint);
                    return text.toString();
                });
    }

    @Property(tries = 100_000)
    @Tag("faults")
    void manyWordsHaveTheLowerCaseOfTheJdk(@ForAll("words") String text) {
        wordsHaveTheLowerCaseOfTheJdk(text);
    }

    @Property(tries = 10_000)
    void wordsHaveTheLowerCaseOfTheJdk(@ForAll("words") String text) {
        assertThat(LowerCase.of(text)).isEqualTo(ofTheJdk(text));
    }

    /** The names that the tests use stand in their sources. */
    @Test
    void linesOfTheTestsHaveTheLowerCaseOfTheJdk() throws IOException {
        try (Stream<Path> files = Files.walk(Path.of("src/test/java"))) {
            for (Path file : (Iterable<Path>) files.filter(Files::isRegularFile)::iterator) {
                for (String line : Files.readAllLines(file)) {
                    assertThat(LowerCase.of(line)).isEqualTo(ofTheJdk(line));
                }
            }
        }
    }

    /** Counts how often a character of a text is read. */
    private static final class CountingText implements CharSequence {

        private final String text;
        private long reads;

        CountingText(String text) {
            this.text = text;
        }

        @Override
        public int length() {
            return text.length();
        }

        @Override
        public char charAt(int index) {
            reads++;
            return text.charAt(index);
        }

        @Override
        public CharSequence subSequence(int start, int end) {
            return text.subSequence(start, end);
        }

        @Override
        public String toString() {
            return text;
        }
    }

    /** With the JDK's way, each sigma has its word read again. */
    @Test
    void aCharacterIsReadAtMostThreeTimes() {
        for (String part :
                new String[] {"\u03A3", "\u03A3.", "\u03A3'\u200D", "\u03A3\u0301", "\u03A3 ", "\uD801\uDC00\u03A3"}) {
            CountingText text = new CountingText(part.repeat(10_000));
            LowerCase.of(text);
            assertThat(text.reads).isBetween(1L, 3L * text.length());
        }
    }
}
