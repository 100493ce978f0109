package io.tally.openapi;

import io.tally.http.Routes;
import io.tally.http.Routes.Route;
import io.tally.http.ServedFile;
import java.util.List;
import org.springframework.beans.factory.config.YamlMapFactoryBean;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.io.ClassPathResource;
import org.springframework.http.MediaType;
import tools.jackson.databind.json.JsonMapper;

/** {@code /openapi.yaml} and {@code /openapi.json}: the description of the API, as it is written and as JSON. */
@Configuration(proxyBeanMethods = false)
class OpenApiRoutes {

    private static final String YAML = "openapi.yaml";

    @Bean
    Route openApiYamlRoute() {
        return route("/openapi.yaml", ServedFile.ofClasspath(MediaType.APPLICATION_YAML, YAML));
    }

    @Bean
    Route openApiJsonRoute(JsonMapper json) {
        return route("/openapi.json", new ServedFile(MediaType.APPLICATION_JSON, () -> json(json)));
    }

    private static Route route(String pattern, ServedFile file) {
        return Routes.resource(pattern)
                .onPublicGet(List.of(file.type()), request -> file.answer(headers -> {}))
                .build();
    }

    private static byte[] json(JsonMapper json) {
        YamlMapFactoryBean yaml = new YamlMapFactoryBean();
        yaml.setResources(new ClassPathResource(YAML));
        return json.writeValueAsBytes(yaml.getObject());
    }
}
