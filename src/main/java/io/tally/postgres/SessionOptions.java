package io.tally.postgres;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Reads the session settings in libpq's {@code options}: {@code -c name=value}, {@code -cname=value} and {@code
 * --name=value}. The service's driver sends settings by name, beside those of Tally.
 */
final class SessionOptions {

    private static final Pattern NAME = Pattern.compile("[a-z_][a-z0-9_$.]*");

    /** Settings that the drivers set themselves to parse the server's values. */
    private static final Set<String> OF_THE_DRIVERS = Set.of("client_encoding", "datestyle", "extra_float_digits");

    /** Names in a start-up message that are not settings: the user, the database and the kind of connection. */
    private static final Set<String> OF_THE_PROTOCOL = Set.of("user", "database", "options", "replication");

    private SessionOptions() {}

    /**
     * The settings by name. Of two with the same name, the later one counts.
     *
     * @throws IllegalArgumentException with the broken rule, and without the text, which may be a secret
     */
    static Map<String, String> parse(String options) {
        Map<String, String> settings = new HashMap<>();
        Iterator<String> words = words(options).iterator();
        while (words.hasNext()) {
            put(settings, setting(words.next(), words));
        }
        return settings;
    }

    private static String setting(String word, Iterator<String> following) {
        if (word.equals("-c") && following.hasNext()) {
            return following.next();
        }
        if (word.startsWith("-c") || word.startsWith("--")) {
            return word.substring(2);
        }
        throw new IllegalArgumentException("each must be -c name=value or --name=value.");
    }

    private static void put(Map<String, String> settings, String setting) {
        int equals = setting.indexOf('=');
        String name = setting.substring(0, Math.max(equals, 0))
                .toLowerCase(Locale.ROOT)
                .replace('-', '_');
        if (!NAME.matcher(name).matches() || OF_THE_PROTOCOL.contains(name) || name.startsWith("_pq_.")) {
            throw new IllegalArgumentException("each must be -c name=value or --name=value.");
        }
        if (OF_THE_DRIVERS.contains(name)) {
            throw new IllegalArgumentException(name + " is set by the drivers.");
        }
        settings.put(name, setting.substring(equals + 1));
    }

    /** Splits at spaces, like PostgreSQL: a backslash makes the next character part of a word. */
    private static List<String> words(String options) {
        List<String> words = new ArrayList<>();
        StringBuilder word = new StringBuilder();
        boolean inWord = false;
        for (int i = 0; i < options.length(); i++) {
            char next = options.charAt(i);
            if (next == ' ') {
                if (inWord) {
                    words.add(word.toString());
                }
                word.setLength(0);
                inWord = false;
                continue;
            }
            inWord = true;
            if (next == '\\' && i + 1 < options.length()) {
                i++;
            }
            word.append(options.charAt(i));
        }
        if (inWord) {
            words.add(word.toString());
        }
        return words;
    }
}
