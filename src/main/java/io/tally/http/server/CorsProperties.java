package io.tally.http.server;

import io.tally.StartupException;
import java.net.URI;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * Cross-origin resource sharing. {@code application.yml} says how to choose the values.
 *
 * @param origins the origins whose pages may send requests and read the responses
 */
@ConfigurationProperties("tally.http.cors")
record CorsProperties(@DefaultValue List<String> origins) {

    private static final String KEY = "tally.http.cors.origins";

    private static final Map<String, Integer> DEFAULT_PORTS = Map.of("http", 80, "https", 443);

    /**
     * Checks each origin.
     *
     * @throws StartupException if one is not in the form in which browsers send it
     */
    CorsProperties {
        for (String origin : origins) {
            if (!origin.equals(normal(origin))) {
                throw new StartupException(
                        KEY + " contains '" + origin + "', but an origin is a scheme, a host and a port only.",
                        "Set " + KEY + " to origins such as https://shop.example or http://localhost:3000: in lower"
                                + " case, without a path, a slash at the end, a *, or the default port of the scheme.");
            }
        }
    }

    /** The form in which browsers send an origin (Fetch standard, section 3.1); empty if it is none. */
    private static String normal(String text) {
        try {
            URI uri = URI.create(text);
            if (uri.getScheme() == null || uri.getHost() == null) {
                return "";
            }
            String scheme = uri.getScheme().toLowerCase(Locale.ROOT);
            boolean portNamed = uri.getPort() >= 0 && uri.getPort() != DEFAULT_PORTS.getOrDefault(scheme, -1);
            return scheme + "://" + uri.getHost().toLowerCase(Locale.ROOT) + (portNamed ? ":" + uri.getPort() : "");
        } catch (IllegalArgumentException e) {
            return "";
        }
    }
}
