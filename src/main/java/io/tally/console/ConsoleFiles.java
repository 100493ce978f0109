package io.tally.console;

import io.tally.http.Routes;
import io.tally.http.Routes.Route;
import io.tally.http.ServedFile;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;
import org.springframework.util.StringUtils;
import org.springframework.web.reactive.function.server.ServerRequest;
import org.springframework.web.reactive.function.server.ServerResponse;
import org.webjars.WebJarVersionLocator;
import reactor.core.publisher.Mono;

/**
 * {@code /console/} and the files that its page uses, from the files of this release alone: those in {@code console/}
 * of the class path, and those of the library that draws charts. URLs are relative, so that the console works behind a
 * proxy that removes a prefix from paths.
 */
@Configuration(proxyBeanMethods = false)
@ConditionalOnConsole
class ConsoleFiles {

    private static final String FOLDER = "console/";
    private static final String PAGE = "index.html";

    private static final Map<String, MediaType> TYPES = Map.of(
            "html", new MediaType(MediaType.TEXT_HTML, StandardCharsets.UTF_8),
            "js", MediaType.parseMediaType("text/javascript;charset=UTF-8"),
            "css", MediaType.parseMediaType("text/css;charset=UTF-8"),
            "svg", MediaType.parseMediaType("image/svg+xml"),
            "png", MediaType.IMAGE_PNG);

    /** By their names in the folder of the library. */
    private static final List<String> CHARTS = List.of("uPlot.iife.min.js", "uPlot.min.css");

    /** The pages load nothing from elsewhere, send no forms, and no other page shows them in a frame. */
    private static final String SECURITY_POLICY =
            "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    /** Names without a path. */
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9-]+(?:\\.[A-Za-z0-9-]+)+");

    /** The files that were requested, by their names. */
    private final Map<String, ServedFile> files = new ConcurrentHashMap<>();

    private static @Nullable ServedFile find(String name) {
        MediaType type = TYPES.get(String.valueOf(StringUtils.getFilenameExtension(name)));
        if (type == null || !NAME.matcher(name).matches()) {
            return null;
        }
        if (CHARTS.contains(name)) {
            return new ServedFile(type, () -> ServedFile.read(chartPath(name)));
        }
        // Not by a list of the folder, which a jar may not have.
        String path = FOLDER + name;
        return ConsoleFiles.class.getClassLoader().getResource(path) == null
                ? null
                : ServedFile.ofClasspath(type, path);
    }

    private static String chartPath(String name) {
        String path = new WebJarVersionLocator().fullPath("uplot", "dist/" + name);
        if (path == null) {
            throw new IllegalStateException("not in this release: " + name);
        }
        return path;
    }

    /** The URLs of the page are relative to {@code /console/}. */
    @Bean
    Route consoleRoute() {
        return Routes.resource("/console")
                .onPublicGet(
                        List.of(MediaType.ALL),
                        request -> ServerResponse.permanentRedirect(URI.create("console/"))
                                .build())
                .build();
    }

    @Bean
    Route consolePageRoute() {
        return Routes.resource("/console/")
                .onPublicGet(List.of(MediaType.ALL), request -> answer(request, file(PAGE)))
                .build();
    }

    @Bean
    Route consoleFileRoute() {
        return Routes.resource("/console/{file}")
                .where(request -> file(name(request)) != null)
                .onPublicGet(List.of(MediaType.ALL), request -> answer(request, file(name(request))))
                .build();
    }

    private static String name(ServerRequest request) {
        return request.path().substring(request.path().lastIndexOf('/') + 1);
    }

    private @Nullable ServedFile file(String name) {
        ServedFile known = files.get(name);
        if (known != null) {
            return known;
        }
        ServedFile found = find(name);
        if (found != null) {
            files.put(name, found);
        }
        return found;
    }

    private static Mono<ServerResponse> answer(ServerRequest request, @Nullable ServedFile file) {
        return Objects.requireNonNull(file).answer(request, ConsoleFiles::protect);
    }

    private static void protect(HttpHeaders fields) {
        fields.set("Content-Security-Policy", SECURITY_POLICY);
        fields.set("X-Content-Type-Options", "nosniff");
        fields.set("Referrer-Policy", "same-origin");
    }
}
