package io.tally.name;

import io.tally.name.LowerCase.Part;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;

/**
 * Generates the table of {@link LowerCase} from what the JDK that runs it does, and nothing else of Unicode: from
 * {@link Character#toLowerCase(int)}, and from whether a capital sigma becomes a final one beside each code point.
 */
final class LowerCaseTable {

    static final Path FILE = Path.of("src/main/resources/io/tally/name/lower-case.txt");

    private static final int COLUMNS_MAX = 120;

    private LowerCaseTable() {}

    /** The content of {@link #FILE}, by the JDK that runs this. Stored keys depend on it: see {@link LowerCase}. */
    static String text() {
        List<String> lines = new ArrayList<>();
        lines.add("# For ranges of code points: what their lower case adds to them, which are cased,");
        lines.add("# and what they are in a word. Hexadecimal; \"/2\" is every second one. See LowerCaseTable.");
        Part[] parts = IntStream.rangeClosed(0, Character.MAX_CODE_POINT + 1)
                .mapToObj(LowerCaseTable::partOf)
                .toArray(Part[]::new);
        deltas().forEach((delta, codePoints) -> lines.addAll(
                wrapped("lower " + (delta < 0 ? "-" : "+") + Integer.toHexString(Math.abs(delta)), codePoints)));
        lines.addAll(wrapped("cased", ranges(c -> parts[c] != Part.OTHER && isCased(c), 1)));
        for (Part part : Part.values()) {
            if (part != Part.OTHER) {
                lines.addAll(wrapped(part.name(), ranges(c -> parts[c] == part, 1)));
            }
        }
        return String.join("\n", lines) + "\n";
    }

    private static SortedMap<Integer, List<String>> deltas() {
        SortedMap<Integer, List<String>> deltas = new TreeMap<>();
        for (int c = 0x80; c <= Character.MAX_CODE_POINT; c++) {
            deltas.computeIfAbsent(Character.toLowerCase(c) - c, delta -> List.of());
        }
        deltas.remove(0);
        deltas.replaceAll((delta, none) ->
                ranges(c -> c >= 0x80 && Character.toLowerCase(c) - c == delta, delta == 1 ? 2 : 1));
        return deltas;
    }

    private static List<String> ranges(IntPredicate matches, int step) {
        List<String> ranges = new ArrayList<>();
        for (int c = 0; c <= Character.MAX_CODE_POINT; c++) {
            if (matches.test(c)) {
                int last = c;
                while (matches.test(last + step)) {
                    last += step;
                }
                String range = Integer.toHexString(c) + (last > c ? "-" + Integer.toHexString(last) : "");
                ranges.add(range + (last > c && step > 1 ? "/" + step : ""));
                c = last;
            }
        }
        return ranges;
    }

    private static List<String> wrapped(String key, List<String> ranges) {
        List<String> lines = new ArrayList<>();
        StringBuilder line = new StringBuilder(key);
        for (String range : ranges) {
            if (line.length() + 1 + range.length() > COLUMNS_MAX) {
                lines.add(line.toString());
                line = new StringBuilder(key);
            }
            line.append(' ').append(range);
        }
        lines.add(line.toString());
        return lines;
    }

    /**
     * What a code point is in a word. An "a" is cased and a "1" is not. After a supplementary character the JDK always
     * sees a boundary, unless the text begins with it; so what it is shows less there, and matters less.
     */
    private static Part partOf(int codePoint) {
        if (codePoint > Character.MAX_CODE_POINT || isSurrogate(codePoint)) {
            return Part.OTHER;
        }
        String it = Character.toString(codePoint);
        if (Character.isSupplementaryCodePoint(codePoint)) {
            // U+0345 is a cased mark.
            if (endsFinal(it + "\u0345\u03A3")) {
                return endsFinal(it + "\u0345'\u03A3") ? Part.LETTER : Part.NUMBER;
            }
            return endsFinal("a" + it + "\u0345\u03A3") ? Part.MARK : Part.OTHER;
        }
        boolean betweenLetters = endsFinal("a" + it + "\u03A3");
        boolean betweenNumbers = endsFinal("a1" + it + "1\u03A3");
        boolean beforeNumber = endsFinal("a" + it + "1\u03A3");
        if (!betweenLetters || !beforeNumber) {
            return betweenLetters
                    ? betweenNumbers ? Part.MID_BOTH : Part.MID_LETTER
                    : betweenNumbers ? Part.MID_NUMBER : beforeNumber ? Part.DANDA : Part.OTHER;
        }
        if (endsFinal(it + "\u03A3")) {
            return isFinalBefore("'" + it) ? Part.NUMBER : Part.LETTER;
        }
        boolean afterMidLetter = endsFinal("a'" + it + "\u03A3");
        boolean afterMidNumber = endsFinal("a1'" + it + "1\u03A3");
        return afterMidLetter ? afterMidNumber ? Part.FORMAT : Part.LETTER : afterMidNumber ? Part.NUMBER : Part.MARK;
    }

    /** Whether a sigma before it is not final: only in a word, so the code point must be able to follow a letter. */
    private static boolean isCased(int codePoint) {
        return !isFinalBefore(Character.toString(codePoint));
    }

    private static boolean isSurrogate(int codePoint) {
        return codePoint >= Character.MIN_SURROGATE && codePoint <= Character.MAX_SURROGATE;
    }

    private static boolean endsFinal(String text) {
        return text.toLowerCase(Locale.ROOT).endsWith("\u03C2");
    }

    private static boolean isFinalBefore(String rest) {
        return ("a\u03A3" + rest).toLowerCase(Locale.ROOT).charAt(1) == '\u03C2';
    }
}
