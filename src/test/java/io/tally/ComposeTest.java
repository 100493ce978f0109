package io.tally;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.postgres.DatabaseProperties;
import io.tally.testing.Command;
import io.tally.testing.Yaml;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.ConfigurationPropertySources;
import org.springframework.core.env.MutablePropertySources;
import org.springframework.core.env.SystemEnvironmentPropertySource;
import tools.jackson.databind.JsonNode;

/** {@code compose.yaml} fits the image, the settings, the manifests and the files that it mounts. */
class ComposeTest {

    private static final Path DIRECTORY = Path.of("src/main/docker");
    private static final Path MONITORING = Path.of("k8s/components/monitoring");

    private static final JsonNode COMPOSE = yaml(DIRECTORY.resolve("compose.yaml"));
    private static final JsonNode SETTINGS = yaml(Path.of("src/main/resources/application.yml"));

    private static JsonNode yaml(Path file) {
        return Yaml.read(file).getFirst();
    }

    private static JsonNode service(String name) {
        return COMPOSE.path("services").path(name);
    }

    private static Stream<Map.Entry<String, JsonNode>> services() {
        return COMPOSE.path("services").properties().stream();
    }

    private static List<String> texts(JsonNode list) {
        return list.valueStream().map(JsonNode::asString).toList();
    }

    /** What is left of a mount without {@code :ro}: where it comes from, and where it is mounted. */
    private static List<String> mount(JsonNode volume) {
        return List.of(volume.asString().replaceFirst(":ro$", "").split(":"));
    }

    private static boolean isVolume(List<String> mount) {
        return !mount.getFirst().startsWith(".");
    }

    private static Stream<List<String>> mounts() {
        return services()
                .flatMap(service -> service.getValue().path("volumes").valueStream())
                .map(ComposeTest::mount);
    }

    @Test
    void theDatabaseIsTheOneThatTheManifestsAndTheImageUse() throws IOException {
        String image = service("postgres").path("image").asString();
        JsonNode build = service("tally").path("build");

        assertThat(Yaml.read(Path.of("k8s/overlays/local/postgresql.yaml")))
                .anySatisfy(object -> assertThat(object.at("/spec/template/spec/containers/0/image")
                                .asString(""))
                        .isEqualTo(image));
        assertThat(build.at("/args/DATABASE_IMAGE").asString()).isEqualTo(image);
        assertThat(Files.readAllLines(DIRECTORY.resolve("Dockerfile"))).contains("ARG DATABASE_IMAGE=" + image);
    }

    @Test
    void theImageIsBuiltFromTheSource() {
        JsonNode tally = service("tally");
        Path context = DIRECTORY.resolve(tally.at("/build/context").asString());

        assertThat(context.resolve("pom.xml")).isRegularFile();
        assertThat(context.resolve(tally.at("/build/dockerfile").asString())).isRegularFile();
        assertThat(tally.at("/build/args/JAR").asString()).isEqualTo("built");
        assertThat(tally.path("pull_policy").asString()).isEqualTo("build");
    }

    /** The names of the variables are those that Spring Boot binds. */
    @Test
    void tallyReachesTheDatabase() {
        Map<String, Object> variables = new HashMap<>();
        service("tally")
                .path("environment")
                .properties()
                .forEach(variable ->
                        variables.put(variable.getKey(), variable.getValue().asString()));
        MutablePropertySources sources = new MutablePropertySources();
        sources.addLast(new SystemEnvironmentPropertySource("systemEnvironment", variables));
        DatabaseProperties database = new Binder(ConfigurationPropertySources.from(sources))
                .bind("tally.database", DatabaseProperties.class)
                .get();
        JsonNode postgres = service("postgres").path("environment");

        assertThat(variables)
                .containsOnlyKeys(
                        "TALLY_ACCESS_MODE", "TALLY_DATABASE_URL", "TALLY_DATABASE_USERNAME", "TALLY_DATABASE_PASSWORD")
                .containsEntry("TALLY_ACCESS_MODE", "open");
        assertThat(URI.create(database.url()).getHost()).isEqualTo("postgres");
        assertThat(URI.create(database.url()).getPath())
                .isEqualTo("/" + postgres.path("POSTGRES_DB").asString());
        assertThat(database.username()).isEqualTo(postgres.path("POSTGRES_USER").asString());
        assertThat(database.password())
                .isEqualTo(postgres.path("POSTGRES_PASSWORD").asString());
    }

    @Test
    void theImageNeedsAnAccessMode() throws IOException {
        assertThat(Files.readAllLines(DIRECTORY.resolve("Dockerfile"))).contains("ENV TALLY_ACCESS_MODEREQUIRED=true");
    }

    @Test
    void portsAreOnLoopbackAndThoseOfTheSettings() {
        String http = SETTINGS.at("/server/port").asString("");
        String management = SETTINGS.at("/management/server/port").asString("");

        assertThat(texts(service("tally").path("ports")))
                .containsExactly(
                        "127.0.0.1:%s:%s".formatted(http, http), "127.0.0.1:%s:%s".formatted(management, management));
        assertThat(services()
                        .flatMap(service -> service.getValue().path("ports").valueStream()))
                .allSatisfy(port -> assertThat(port.asString()).startsWith("127.0.0.1:"));
    }

    @Test
    void tallyIsAsRestrictedAsInTheManifests() {
        JsonNode tally = service("tally");
        JsonNode deployment = yaml(Path.of("k8s/base/deployment.yaml"));

        assertThat(tally.path("read_only").asBoolean()).isTrue();
        assertThat(texts(tally.path("cap_drop"))).containsExactly("ALL");
        assertThat(texts(tally.path("security_opt"))).containsExactly("no-new-privileges:true");
        assertThat(tally.path("mem_limit").asString()).isEqualTo("512m");
        assertThat(tally.path("stop_grace_period").asString())
                .isEqualTo(deployment
                                .at("/spec/template/spec/terminationGracePeriodSeconds")
                                .asString("")
                        + "s");
    }

    /** {@code up --wait} waits until each is healthy, and a service starts after those that it needs are. */
    @Test
    void everyServiceHasAHealthCheck() {
        assertThat(services())
                .allSatisfy(service -> assertThat(
                                service.getValue().at("/healthcheck/test/0").asString(""))
                        .as(service.getKey())
                        .isEqualTo("CMD"));
        assertThat(services()
                        .flatMap(
                                service -> service.getValue().path("depends_on").valueStream()))
                .hasSize(3)
                .allSatisfy(needed ->
                        assertThat(needed.path("condition").asString()).isEqualTo("service_healthy"));
        assertThat(texts(service("tally").at("/healthcheck/test"))).containsExactly("CMD", "/app/health", "/readyz");
        assertThat(DIRECTORY.resolve("health")).isExecutable();
    }

    @Test
    void onlyTheDatabaseAndTallyStartWithoutTheProfile() {
        assertThat(services()
                        .filter(service -> !service.getValue().has("profiles"))
                        .map(Map.Entry::getKey))
                .containsExactly("postgres", "tally");
        assertThat(texts(service("prometheus").path("profiles"))).containsExactly("observability");
        assertThat(texts(service("grafana").path("profiles"))).containsExactly("observability");
    }

    @Test
    void whatIsMountedExists() {
        assertThat(mounts().filter(mount -> !isVolume(mount)))
                .hasSize(5)
                .allSatisfy(
                        mount -> assertThat(DIRECTORY.resolve(mount.getFirst())).isRegularFile());
        assertThat(mounts().filter(ComposeTest::isVolume).map(List::getFirst))
                .containsExactlyElementsOf(COMPOSE.path("volumes").propertyNames());
    }

    /** The command of the service, with another program in the place of Prometheus. */
    @Test
    void prometheusReadsTheRulesOfTheManifests(@TempDir Path directory) {
        Path rules = directory.resolve("rules.yml");
        String script = service("prometheus")
                .at("/command/0")
                .asString()
                .replace("/etc/prometheus/prometheus-rule.yaml", absolute(MONITORING.resolve("prometheus-rule.yaml")))
                .replace("/tmp/rules.yml", rules.toString())
                .replace("exec prometheus", "echo");

        Command command = Command.run(List.of("/bin/sh", "-euc", script));

        assertThat(command.succeeded()).as(command.output()).isTrue();
        assertThat(yaml(rules))
                .isEqualTo(yaml(MONITORING.resolve("prometheus-rule.yaml")).path("spec"));
        assertThat(texts(prometheus().path("rule_files"))).containsExactly("/tmp/rules.yml");
        assertThat(texts(service("prometheus").path("tmpfs"))).contains("/tmp");
    }

    private static String absolute(Path path) {
        return path.toAbsolutePath().toString();
    }

    private static JsonNode prometheus() {
        return yaml(DIRECTORY.resolve("prometheus.yml"));
    }

    /** With the labels and intervals that rules and dashboard expect. */
    @Test
    void prometheusScrapesAsThePodMonitorDoes() {
        JsonNode scrape = prometheus().at("/scrape_configs/0");
        JsonNode target = scrape.at("/static_configs/0");
        JsonNode endpoint = yaml(MONITORING.resolve("pod-monitor.yaml")).at("/spec/podMetricsEndpoints/0");

        assertThat(scrape.path("job_name").asString()).isEqualTo("tally");
        assertThat(scrape.path("metrics_path")).isEqualTo(endpoint.path("path"));
        assertThat(prometheus().at("/global/scrape_interval")).isEqualTo(endpoint.path("interval"));
        assertThat(prometheus().at("/global/scrape_timeout")).isEqualTo(endpoint.path("scrapeTimeout"));
        assertThat(texts(target.path("targets")))
                .containsExactly(
                        "tally:" + SETTINGS.at("/management/server/port").asString(""));
        assertThat(target.path("labels").propertyNames()).containsExactly("namespace", "pod");
    }

    @Test
    void grafanaShowsTheDashboardOfTheManifests() {
        JsonNode grafana = service("grafana");
        Map<String, Path> mounted = new HashMap<>();
        grafana.path("volumes")
                .valueStream()
                .map(ComposeTest::mount)
                .forEach(mount -> mounted.put(
                        mount.getLast(), DIRECTORY.resolve(mount.getFirst()).normalize()));
        JsonNode provider = yaml(Objects.requireNonNull(mounted.get("/etc/grafana/provisioning/dashboards/tally.yaml")))
                .at("/providers/0/options/path");
        JsonNode source = yaml(Objects.requireNonNull(
                        mounted.get("/etc/grafana/provisioning/datasources/prometheus.yaml")))
                .at("/datasources/0");
        String dashboard = grafana.at("/environment/GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH")
                .asString();

        assertThat(mounted.get(dashboard)).isEqualTo(MONITORING.resolve("dashboard.json"));
        assertThat(Path.of(dashboard).getParent()).hasToString(provider.asString());
        assertThat(source.path("url").asString()).isEqualTo("http://prometheus:9090");
        assertThat(source.path("isDefault").asBoolean()).isTrue();
        assertThat(source.at("/jsonData/timeInterval")).isEqualTo(prometheus().at("/global/scrape_interval"));
    }
}
