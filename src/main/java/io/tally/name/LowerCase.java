package io.tally.name;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Objects;

/**
 * Lower case as Java 25 defines it in {@link String#toLowerCase(Locale)} for {@link Locale#ROOT}, in time linear in the
 * length.
 */
final class LowerCase {
    /*
     * Why not the JDK's
     *
     * Keys of names are stored. The JDK follows Unicode, so a later JDK would fold names to keys other than the stored
     * ones, and names would get second ids. And the JDK scans the whole word again for each capital sigma, which is
     * quadratic. So a table of this release, lower-case.txt, contains the mappings, and this class decides a sigma
     * while it reads the word.
     *
     * Capital sigma
     *
     * It becomes the final small sigma where its word has a cased character before it and none after it. Words are
     * those of the JDK's BreakIterator, an older form of the rules of Unicode (UAX #29): letters and numbers with their
     * marks, one punctuation mark between two letters or between two numbers, and a danda after a letter.
     *
     * The JDK also sees a boundary after each supplementary character but the first of the text. That is a defect, and
     * stored keys have it.
     */

    private static final char SIGMA = '\u03A3';
    private static final char SMALL_SIGMA = '\u03C3';
    private static final char FINAL_SIGMA = '\u03C2';

    /** Its lower case has two characters. */
    private static final char I_WITH_DOT = '\u0130';

    private static final String I_WITH_DOT_LOWER = "i\u0307";

    private static final String TABLE = "lower-case.txt";
    private static final int HEXADECIMAL = 16;

    /** The role of a character in a word. */
    enum Part {
        OTHER,
        LETTER,
        NUMBER,
        MARK,
        FORMAT,
        MID_LETTER,
        MID_NUMBER,
        MID_BOTH,
        DANDA
    }

    private static final Ranges<Integer> DELTAS;
    private static final Ranges<Boolean> CASED;
    private static final Ranges<Part> PARTS;

    static {
        List<Range<Integer>> deltas = new ArrayList<>();
        List<Range<Boolean>> cased = new ArrayList<>();
        List<Range<Part>> parts = new ArrayList<>();
        for (String line : table()) {
            List<String> words = List.of(line.split(" ", -1));
            switch (words.getFirst()) {
                case "lower" ->
                    addAll(words.subList(2, words.size()), Integer.parseInt(words.get(1), HEXADECIMAL), deltas);
                case "cased" -> addAll(words.subList(1, words.size()), true, cased);
                default -> addAll(words.subList(1, words.size()), Part.valueOf(words.getFirst()), parts);
            }
        }
        DELTAS = new Ranges<>(deltas, 0);
        CASED = new Ranges<>(cased, false);
        PARTS = new Ranges<>(parts, Part.OTHER);
    }

    private LowerCase() {}

    private static List<String> table() {
        try (BufferedReader lines = new BufferedReader(new InputStreamReader(
                Objects.requireNonNull(LowerCase.class.getResourceAsStream(TABLE), TABLE),
                StandardCharsets.US_ASCII))) {
            return lines.lines().filter(line -> !line.startsWith("#")).toList();
        } catch (IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        }
    }

    /** Adds ranges such as {@code 41-5a}, {@code 130}, and {@code 100-12e/2} for every second code point. */
    private static <T> void addAll(List<String> words, T value, List<Range<T>> ranges) {
        for (String word : words) {
            String[] range = word.split("[-/]", -1);
            int first = Integer.parseInt(range[0], HEXADECIMAL);
            int last = Integer.parseInt(range[Math.min(1, range.length - 1)], HEXADECIMAL);
            if (word.contains("/")) {
                for (int codePoint = first; codePoint <= last; codePoint += 2) {
                    ranges.add(new Range<>(codePoint, codePoint, value));
                }
            } else {
                ranges.add(new Range<>(first, last, value));
            }
        }
    }

    private record Range<T>(int first, int last, T value) {}

    /** A value for each code point of some ranges, and another for all others. */
    private static final class Ranges<T> {

        private final int[] firsts;
        private final List<Range<T>> ranges;
        private final T others;

        Ranges(List<Range<T>> ranges, T others) {
            this.ranges = ranges.stream()
                    .sorted(Comparator.comparingInt(Range::first))
                    .toList();
            this.firsts = this.ranges.stream().mapToInt(Range::first).toArray();
            this.others = others;
        }

        T of(int codePoint) {
            int found = Arrays.binarySearch(firsts, codePoint);
            int range = found < 0 ? -found - 2 : found;
            return range >= 0 && codePoint <= ranges.get(range).last()
                    ? ranges.get(range).value()
                    : others;
        }
    }

    /** The lower case of a text. */
    static String of(CharSequence text) {
        StringBuilder lower = new StringBuilder(text.length());
        Word word = new Word(lower, text);
        for (int i = 0; i < text.length(); ) {
            int codePoint = Character.codePointAt(text, i);
            word.add(codePoint);
            if (codePoint == SIGMA) {
                lower.append(SMALL_SIGMA);
            } else if (codePoint == I_WITH_DOT) {
                lower.append(I_WITH_DOT_LOWER);
            } else {
                lower.appendCodePoint(of(codePoint));
            }
            i += Character.charCount(codePoint);
        }
        word.end();
        return lower.toString();
    }

    private static int of(int codePoint) {
        if (codePoint < 0x80) {
            return codePoint >= 'A' && codePoint <= 'Z' ? codePoint + ('a' - 'A') : codePoint;
        }
        return codePoint + DELTAS.of(codePoint);
    }

    /** The word that is being read, and the sigma in it that will be final unless a cased character follows. */
    private static final class Word {

        private final StringBuilder lower;
        private final boolean hasSigma;
        private Part last = Part.OTHER;
        private boolean hasCased;
        private int sigma = -1;

        /** @param lower receives the lower case of each character after it was added to the word */
        Word(StringBuilder lower, CharSequence text) {
            this.lower = lower;
            this.hasSigma = text.chars().anyMatch(c -> c == SIGMA);
        }

        void add(int codePoint) {
            if (!hasSigma) {
                return;
            }
            Part part = PARTS.of(codePoint);
            boolean joins = joins(part);
            if (!joins) {
                end();
            }
            last = next(part, joins);
            if (CASED.of(codePoint)) {
                sigma = codePoint == SIGMA && hasCased ? lower.length() : -1;
                hasCased = true;
            }
            if (Character.isSupplementaryCodePoint(codePoint) && !lower.isEmpty()) {
                end();
            }
        }

        /** Whether there is no boundary before the next character. */
        private boolean joins(Part part) {
            return switch (part) {
                case OTHER -> false;
                case FORMAT -> true;
                case LETTER -> last == Part.LETTER || last == Part.NUMBER || last == Part.MID_LETTER;
                case NUMBER ->
                    last == Part.LETTER || last == Part.NUMBER || last == Part.MID_NUMBER || last == Part.DANDA;
                case MARK, MID_BOTH -> last == Part.LETTER || last == Part.NUMBER;
                case MID_LETTER, DANDA -> last == Part.LETTER;
                case MID_NUMBER -> last == Part.NUMBER;
            };
        }

        /** The new end of the word. A format character or a mark does not change it. */
        private Part next(Part part, boolean joins) {
            return switch (part) {
                case LETTER, NUMBER, OTHER -> part;
                case FORMAT -> last;
                case MARK -> joins ? last : Part.OTHER;
                case MID_LETTER, MID_NUMBER, DANDA -> joins ? part : Part.OTHER;
                case MID_BOTH -> !joins ? Part.OTHER : last == Part.LETTER ? Part.MID_LETTER : Part.MID_NUMBER;
            };
        }

        void end() {
            if (sigma >= 0) {
                lower.setCharAt(sigma, FINAL_SIGMA);
            }
            sigma = -1;
            hasCased = false;
        }
    }
}
