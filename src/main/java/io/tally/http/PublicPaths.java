package io.tally.http;

import java.util.List;

/** The paths that need no credentials: probes, the description of the API, and pages for people. */
public final class PublicPaths {

    private static final List<String> EXACT =
            List.of("/livez", "/readyz", "/openapi.yaml", "/openapi.json", "/docs", "/console");

    private static final List<String> PREFIXES = List.of("/problems/", "/docs/", "/console/");

    private PublicPaths() {}

    /** Whether a request for this path, without its query, needs no credentials. */
    public static boolean include(String path) {
        // Most requests are for resources.
        return !Routes.isApi(path) && (EXACT.contains(path) || PREFIXES.stream().anyMatch(path::startsWith));
    }
}
