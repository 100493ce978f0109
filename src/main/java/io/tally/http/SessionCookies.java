package io.tally.http;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;

/**
 * Credentials in a cookie, for the pages of the console, which must not keep them where a script can read them. The
 * value is base64url of an access key, a root key or a token.
 *
 * <p>A browser may send the cookie with a request that another page has made. So a request that may write needs
 * {@link #FIELD}, too: a page of another origin can set it only after a preflight request, which Tally refuses.
 *
 * @param accepted whether the cookie counts; false where requests need no credentials, or without the console
 */
public record SessionCookies(boolean accepted) {

    /** The name of the cookie. */
    public static final String NAME = "tally-session";

    /** The header field of requests that the console's own pages send, and its value. */
    public static final String FIELD = "Tally-Console";

    public static final String FIELD_VALUE = "true";

    /** No cookie counts. */
    public static final SessionCookies IGNORED = new SessionCookies(false);

    private static final String BEGIN = NAME + "=";

    /** The value of the cookie for a credential. */
    public static String value(String credential) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(credential.getBytes(StandardCharsets.UTF_8));
    }

    /** The problem of a request with the cookie that another page may have sent. */
    public static ProblemException forged() {
        return new ProblemException(
                ProblemType.ORIGIN_REFUSED,
                "A request of the console that may write must have the header field " + FIELD + ": " + FIELD_VALUE
                        + ".");
    }

    /**
     * The {@code Authorization} fields that the cookies of a request stand for. One that is not base64url stands for a
     * field without a token. Several stand for several fields, which are refused: a page of another host in the same
     * domain may have set one of them.
     *
     * @param cookies the values of the {@code Cookie} fields
     * @return empty without the cookie
     */
    public static List<String> authorization(List<String> cookies) {
        List<String> found = new ArrayList<>();
        for (String field : cookies) {
            for (String cookie : field.split(";", -1)) {
                String pair = cookie.strip();
                if (pair.startsWith(BEGIN)) {
                    found.add("Bearer " + credential(pair.substring(BEGIN.length())));
                }
            }
        }
        return found;
    }

    private static String credential(String value) {
        try {
            return new String(Base64.getUrlDecoder().decode(value), StandardCharsets.UTF_8);
        } catch (IllegalArgumentException malformed) {
            return "";
        }
    }
}
