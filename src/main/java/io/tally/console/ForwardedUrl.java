package io.tally.console;

import io.tally.http.Bodies;
import io.tally.http.ProblemException;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.springframework.http.HttpHeaders;
import org.springframework.web.reactive.function.server.ServerRequest;

/**
 * How the browser reaches this Tally: the prefix of its paths and the encryption, from the connection or from the
 * header fields of the proxies in front. A page of another origin cannot set these fields, and a client that sets them
 * changes its own cookie only.
 *
 * @param prefix empty, or a path without a slash at its end
 * @param secure whether the browser uses https
 */
record ForwardedUrl(String prefix, boolean secure) {

    private static final String PREFIX = "X-Forwarded-Prefix";
    private static final String PROTOCOL = "X-Forwarded-Proto";
    private static final String FORWARDED = "Forwarded";
    private static final String HTTPS = "https";

    private static final int PREFIX_LENGTH_MAX = 256;

    /** Segments of unreserved characters. Others could end the attribute of the cookie. */
    private static final Pattern PATH = Pattern.compile("(?:/[A-Za-z0-9._~-]+)*");

    /** RFC 7239, section 4. */
    private static final Pattern PROTOCOL_IS_HTTPS =
            Pattern.compile("(?:^|;)\\s*proto\\s*=\\s*\"?https\"?\\s*(?:;|$)", Pattern.CASE_INSENSITIVE);

    /**
     * The URL of a request.
     *
     * @throws ProblemException 400 if the prefix is not a path
     */
    static ForwardedUrl of(ServerRequest request) {
        HttpHeaders fields = request.headers().asHttpHeaders();
        // Where the server uses the fields itself, it has removed them from the request.
        String used = request.requestPath().contextPath().value();
        return new ForwardedUrl(used.isEmpty() ? prefix(fields.getOrEmpty(PREFIX)) : path(used), isSecure(request));
    }

    /** The path of the cookie. */
    String path() {
        return prefix + "/";
    }

    /** Each proxy in front adds its own prefix at the end. */
    private static String prefix(List<String> fields) {
        return path(fields.stream()
                .flatMap(field -> Stream.of(field.split(",", -1)))
                .map(prefix -> prefix.strip().replaceFirst("/+$", ""))
                .collect(Collectors.joining()));
    }

    private static String path(String prefix) {
        if (prefix.length() > PREFIX_LENGTH_MAX || !PATH.matcher(prefix).matches()) {
            throw Bodies.malformed(PREFIX + " must be a path of letters, digits, and the characters - . _ ~ with at"
                    + " most " + PREFIX_LENGTH_MAX + " characters.");
        }
        return prefix;
    }

    private static boolean isSecure(ServerRequest request) {
        HttpHeaders fields = request.headers().asHttpHeaders();
        return HTTPS.equals(request.uri().getScheme())
                || HTTPS.equalsIgnoreCase(first(fields, PROTOCOL))
                || PROTOCOL_IS_HTTPS.matcher(first(fields, FORWARDED)).find();
    }

    /** The element that the proxy next to the browser has added; empty without the field. */
    private static String first(HttpHeaders fields, String name) {
        String field = fields.getFirst(name);
        return field == null ? "" : field.split(",", 2)[0].strip();
    }
}
