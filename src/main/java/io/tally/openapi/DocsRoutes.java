package io.tally.openapi;

import io.tally.http.ProblemException;
import io.tally.http.ProblemType;
import io.tally.http.Routes;
import io.tally.http.Routes.Route;
import io.tally.http.ServedFile;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.MediaType;
import org.springframework.web.reactive.function.server.ServerRequest;
import org.springframework.web.reactive.function.server.ServerResponse;
import org.webjars.WebJarVersionLocator;
import reactor.core.publisher.Mono;

/**
 * {@code /docs}: the OpenAPI file in Swagger UI, from the files of this release alone. Their URLs are relative, so that
 * the page works behind a proxy that removes a prefix from paths.
 */
@Configuration(proxyBeanMethods = false)
class DocsRoutes {

    private static final MediaType HTML = new MediaType(MediaType.TEXT_HTML, StandardCharsets.UTF_8);
    private static final MediaType SCRIPT = MediaType.parseMediaType("text/javascript;charset=UTF-8");
    private static final MediaType STYLE = MediaType.parseMediaType("text/css;charset=UTF-8");

    /** The style sheet has its pictures as {@code data:}. */
    private static final String SECURITY_POLICY =
            "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    private final ServedFile page = ServedFile.ofClasspath(HTML, "docs/index.html");

    private final Map<String, ServedFile> files = Map.of(
            "docs.js",
            ServedFile.ofClasspath(SCRIPT, "docs/docs.js"),
            "swagger-ui-bundle.js",
            ofSwaggerUi(SCRIPT, "swagger-ui-bundle.js"),
            "swagger-ui.css",
            ofSwaggerUi(STYLE, "swagger-ui.css"),
            "favicon-32x32.png",
            ofSwaggerUi(MediaType.IMAGE_PNG, "favicon-32x32.png"));

    private static ServedFile ofSwaggerUi(MediaType type, String name) {
        return new ServedFile(type, () -> ServedFile.read(path(name)));
    }

    private static String path(String name) {
        String path = new WebJarVersionLocator().fullPath("swagger-ui", name);
        if (path == null) {
            throw new IllegalStateException("not in this release: " + name);
        }
        return path;
    }

    @Bean
    Route docsRoute() {
        return Routes.resource("/docs")
                .onPublicGet(List.of(MediaType.ALL), request -> answer(page))
                .build();
    }

    @Bean
    Route docsFileRoute() {
        return Routes.resource("/docs/{file}")
                .onPublicGet(List.of(MediaType.ALL), this::file)
                .build();
    }

    private Mono<ServerResponse> file(ServerRequest request) {
        ServedFile file = files.get(request.pathVariable("file"));
        if (file == null) {
            throw new ProblemException(ProblemType.NOT_FOUND, "There is no such file.");
        }
        return answer(file);
    }

    private static Mono<ServerResponse> answer(ServedFile file) {
        return file.answer(headers -> {
            headers.set("Content-Security-Policy", SECURITY_POLICY);
            headers.set("X-Content-Type-Options", "nosniff");
        });
    }
}
