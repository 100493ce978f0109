package io.tally.console;

import io.tally.http.Routes;
import io.tally.http.Routes.Route;
import io.tally.http.ServedFile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.io.Resource;
import org.springframework.core.io.support.PathMatchingResourcePatternResolver;
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

    private final Map<String, ServedFile> files = new TreeMap<>();
    private final ServedFile page;

    ConsoleFiles() {
        own().forEach(name -> files.put(name, ServedFile.ofClasspath(type(name), FOLDER + name)));
        CHARTS.forEach(name -> files.put(name, new ServedFile(type(name), () -> ServedFile.read(chartPath(name)))));
        page = Objects.requireNonNull(files.get(PAGE));
    }

    /** The names of the files in the folder. */
    private static List<String> own() {
        try {
            Resource[] found = new PathMatchingResourcePatternResolver().getResources("classpath:" + FOLDER + "*.*");
            return Arrays.stream(found)
                    .map(file -> Objects.requireNonNull(file.getFilename()))
                    .toList();
        } catch (IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        }
    }

    private static MediaType type(String name) {
        MediaType type = TYPES.get(String.valueOf(StringUtils.getFilenameExtension(name)));
        if (type == null) {
            throw new IllegalStateException("the console serves no files such as " + name);
        }
        return type;
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
                .onPublicGet(List.of(MediaType.ALL), request -> answer(request, page))
                .build();
    }

    @Bean
    Route consoleFileRoute() {
        return Routes.resource("/console/{file}")
                .where(request -> file(request) != null)
                .onPublicGet(List.of(MediaType.ALL), request -> answer(request, Objects.requireNonNull(file(request))))
                .build();
    }

    private @Nullable ServedFile file(ServerRequest request) {
        return files.get(StringUtils.getFilename(request.path()));
    }

    private static Mono<ServerResponse> answer(ServerRequest request, ServedFile file) {
        return file.answer(request, ConsoleFiles::protect);
    }

    private static void protect(HttpHeaders fields) {
        fields.set("Content-Security-Policy", SECURITY_POLICY);
        fields.set("X-Content-Type-Options", "nosniff");
        fields.set("Referrer-Policy", "same-origin");
    }
}
