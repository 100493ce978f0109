package io.tally.http;

import java.util.List;

/** The paths that need no credentials: probes, the description of the API, and pages for people. */
public final class PublicPaths {

    private static final List<String> EXACT = List.of("/livez", "/readyz", "/openapi.yaml", "/openapi.json", "/docs");

    private static final List<String> PREFIXES = List.of("/problems/", "/docs/");

    private PublicPaths() {}

    /** Whether a request with this target, as the client sent it, needs no credentials. */
    public static boolean include(String target) {
        // Most requests are for resources.
        if (target.startsWith("/v1/")) {
            return false;
        }
        int query = target.indexOf('?');
        String path = query < 0 ? target : target.substring(0, query);
        return EXACT.contains(path) || PREFIXES.stream().anyMatch(path::startsWith);
    }
}
