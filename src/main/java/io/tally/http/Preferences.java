package io.tally.http;

import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.springframework.http.HttpHeaders;
import org.springframework.web.reactive.function.server.ServerRequest;

/**
 * {@code Prefer} (RFC 7240): a list of preferences, in one field or several. The first of two equal preferences counts.
 * Parameters are ignored, since no preference of this service has any. Malformed preferences are ignored, too: a
 * preference never fails a request.
 */
public final class Preferences {

    /** The response header field that names the applied preferences. */
    private static final String APPLIED = "Preference-Applied";

    /** The header field of a request. */
    public static final String HEADER = "Prefer";

    /** A name with an optional value. Possessive quantifiers keep the matching time linear. */
    private static final Pattern PREFERENCE =
            Pattern.compile("(?<name>[\\w!#$%&'*+.^`|~-]++)(?:[ \\t]*+=[ \\t]*+(?:(?<token>[\\w!#$%&'*+.^`|~-]++)"
                    + "|\"(?<quoted>[^\"\\\\]*+(?:\\\\.[^\"\\\\]*+)*+)\"))?+[ \\t]*+(?=[,;]|$)");

    private static final Preferences NONE = new Preferences();

    private final Map<String, String> values = new HashMap<>();

    private Preferences() {}

    /** The preferences of a request. */
    public static Preferences of(ServerRequest request) {
        return of(request.headers().header(HEADER));
    }

    /** The preferences in the values of all Prefer fields. */
    public static Preferences of(List<String> fields) {
        if (fields.isEmpty()) {
            return NONE;
        }
        Preferences preferences = new Preferences();
        fields.forEach(preferences::add);
        return preferences;
    }

    private void add(String field) {
        int start = 0;
        for (int i = 0; i <= field.length(); i++) {
            if (i == field.length() || field.charAt(i) == ',') {
                addOne(field.substring(start, i));
                start = i + 1;
            } else if (field.charAt(i) == '"') {
                i = closingQuote(field, i);
            }
        }
    }

    /** The closing quote of a string, or the last character without one. */
    private static int closingQuote(String field, int open) {
        for (int i = open + 1; i < field.length(); i++) {
            if (field.charAt(i) == '"') {
                return i;
            }
            if (field.charAt(i) == '\\') {
                i++;
            }
        }
        return field.length() - 1;
    }

    private void addOne(String preference) {
        Matcher matcher = PREFERENCE.matcher(preference.strip());
        if (matcher.lookingAt()) {
            values.putIfAbsent(matcher.group("name").toLowerCase(Locale.ROOT), value(matcher));
        }
    }

    private static String value(Matcher matcher) {
        String token = matcher.group("token");
        String quoted = matcher.group("quoted");
        return token != null ? token : quoted != null ? quoted.replaceAll("\\\\(.)", "$1") : "";
    }

    /** Adds a preference to those that a response names as applied. */
    public static void applied(HttpHeaders fields, String name, String value) {
        String before = fields.getFirst(APPLIED);
        String preference = name + "=" + value;
        fields.set(APPLIED, before == null ? preference : before + ", " + preference);
    }

    /**
     * Whether the request has a preference with that value.
     *
     * @param name in lower case
     * @param value compared without regard to case, like the values of all preferences of this service
     */
    public boolean has(String name, String value) {
        return value.equalsIgnoreCase(values.get(name));
    }
}
