package io.tally.postgres;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tally.StartupException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.assertj.core.util.Throwables;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.env.ConfigTreePropertySource;
import org.springframework.boot.env.YamlPropertySourceLoader;
import org.springframework.boot.flyway.autoconfigure.FlywayProperties;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.env.MapPropertySource;
import org.springframework.core.env.PropertySource;
import org.springframework.core.env.SystemEnvironmentPropertySource;
import org.springframework.core.io.ByteArrayResource;

class LiteralCredentialsTest {

    private static final String URL = "postgresql://localhost/tally";

    @Configuration(proxyBeanMethods = false)
    @EnableConfigurationProperties({DatabaseProperties.class, FlywayProperties.class})
    static class Settings {

        @Bean
        static LiteralCredentials literalCredentials() {
            return new LiteralCredentials();
        }
    }

    private static AnnotationConfigApplicationContext context(PropertySource<?>... sources) {
        AnnotationConfigApplicationContext context = new AnnotationConfigApplicationContext();
        for (PropertySource<?> source : sources) {
            context.getEnvironment().getPropertySources().addLast(source);
        }
        context.register(Settings.class);
        context.refresh();
        return context;
    }

    private static PropertySource<?> yaml(String text) throws IOException {
        return new YamlPropertySourceLoader()
                .load("file", new ByteArrayResource(text.getBytes(StandardCharsets.UTF_8)))
                .getFirst();
    }

    private static PropertySource<?> environment(Map<String, Object> variables) {
        return new SystemEnvironmentPropertySource("variables-systemEnvironment", variables);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "${HOME}",
                "a${java.version}b",
                "${missing}",
                "\\${a}",
                "#{1+1}",
                "a\\b\\\\",
                " a b ",
                "${",
                "a:b"
            })
    void keepsVariables(String secret) {
        PropertySource<?> variables = environment(Map.of(
                "TALLY_DATABASE_URL", URL,
                "TALLY_DATABASE_USERNAME", secret + 1,
                "TALLY_DATABASE_PASSWORD", secret + 2,
                "SPRING_FLYWAY_USER", secret + 3,
                "SPRING_FLYWAY_PASSWORD", secret + 4));
        try (AnnotationConfigApplicationContext context = context(variables)) {
            DatabaseProperties database = context.getBean(DatabaseProperties.class);
            assertThat(database.username()).isEqualTo(secret + 1);
            assertThat(database.password()).isEqualTo(secret + 2);
            FlywayProperties flyway = context.getBean(FlywayProperties.class);
            assertThat(flyway.getUser()).isEqualTo(secret + 3);
            assertThat(flyway.getPassword()).isEqualTo(secret + 4);

            MigrationConnection migrations = new MigrationConnection(database, flyway);
            assertThat(migrations.getUsername()).isEqualTo(secret + 3);
            assertThat(migrations.getPassword()).isEqualTo(secret + 4);
        }
    }

    @Test
    void keepsSystemPropertiesAndFilesOfAConfigTree(@TempDir Path tree) throws IOException {
        Files.writeString(tree.resolve("tally.database.password"), "a ${java.version}");
        PropertySource<?> properties = new MapPropertySource(
                "systemProperties", Map.of("tally.database.url", URL, "tally.database.username", "${java.version}"));
        try (AnnotationConfigApplicationContext context =
                context(properties, new ConfigTreePropertySource("tree", tree))) {
            DatabaseProperties database = context.getBean(DatabaseProperties.class);
            assertThat(database.username()).isEqualTo("${java.version}");
            assertThat(database.password()).isEqualTo("a ${java.version}");
        }
    }

    @Test
    void replacesPlaceholdersInFiles() throws IOException {
        PropertySource<?> file =
                yaml("tally.database: {url: '${url}', username: 'a-${name}', password: '${none:empty}'}");
        try (AnnotationConfigApplicationContext context = context(environment(Map.of("url", URL, "name", "b")), file)) {
            DatabaseProperties database = context.getBean(DatabaseProperties.class);
            assertThat(database.url()).isEqualTo(URL);
            assertThat(database.username()).isEqualTo("a-b");
            assertThat(database.password()).isEqualTo("empty");
            MigrationConnection migrations = new MigrationConnection(database, context.getBean(FlywayProperties.class));
            assertThat(migrations.getJdbcUrl()).isEqualTo("jdbc:postgresql://localhost:5432/tally");
            assertThat(migrations.getUsername()).isEqualTo("a-b");
            assertThat(migrations.getPassword()).isEqualTo("empty");
        }
    }

    /** Of placeholders, Spring refuses those that lead back to themselves. */
    @ParameterizedTest
    @ValueSource(strings = {"url", "username", "password"})
    void doesNotQuoteAValueWhosePlaceholderCannotBeResolved(String key) throws IOException {
        PropertySource<?> file = yaml("tally.database." + key + ": 'secret-${tally.database." + key + "}'");
        PropertySource<?> others = environment(
                Map.of("TALLY_DATABASE_URL", URL, "TALLY_DATABASE_USERNAME", "tally", "TALLY_DATABASE_PASSWORD", ""));

        assertThatThrownBy(() -> context(file, others).close())
                .hasRootCauseInstanceOf(StartupException.class)
                .hasRootCauseMessage("tally.database." + key + " has a placeholder that cannot be resolved.")
                .satisfies(
                        failure -> assertThat(Throwables.getStackTrace(failure)).doesNotContain("secret"));
    }
}
