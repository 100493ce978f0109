package io.tally.k8s;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tally.testing.ProjectVersion;
import io.tally.testing.Yaml;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Every manifest is of its type, and the objects of an overlay fit each other and the code; both as they are applied,
 * after patches, which {@link KustomizeTest} holds against kustomize. And what is broken is found.
 */
class ManifestsTest {

    private static final String LOCAL = "local";
    private static final String PRODUCTION = "production";
    private static final String CITUS = "citus";

    private static List<ObjectNode> render(String overlay) {
        return new Kustomize().render(Overlays.ROOT.resolve("overlays").resolve(overlay));
    }

    @ParameterizedTest
    @MethodSource("io.tally.k8s.Overlays#directories")
    void everyObjectIsOfItsType(Path overlay) {
        List<ObjectNode> objects = new Kustomize().render(overlay);

        assertThat(objects).hasSizeGreaterThan(8).allSatisfy(Types::require);
    }

    @ParameterizedTest
    @MethodSource("io.tally.k8s.Overlays#directories")
    void theObjectsFitEachOther(Path overlay) {
        assertThat(Relations.complaints(new Kustomize().render(overlay))).isEmpty();
    }

    @Test
    void onlyReleasesGoIntoProduction() {
        assertThat(Relations.unreleased(render(PRODUCTION))).isEmpty();
        assertThat(Relations.unreleased(render(CITUS))).isEmpty();
        assertThat(Relations.unreleased(render(LOCAL))).containsExactly("tally:latest is no release");
    }

    /** The image of production, and the label that tools show as the version. */
    @ParameterizedTest
    @ValueSource(strings = {PRODUCTION, CITUS})
    void theVersionIsThatOfThePom(String overlay) throws Exception {
        String release = ProjectVersion.release();
        ObjectNode deployment = Objects.requireNonNull(new Rendering(render(overlay)).find("Deployment", "tally"));

        assertThat(Manifest.containers(deployment))
                .extracting(container -> container.path("image").asString(""))
                .containsExactly("registry.example.com/tally:" + release);
        assertThat(List.of(deployment.path("metadata"), Manifest.pod(deployment).path("metadata")))
                .extracting(metadata -> metadata.at("/labels/app.kubernetes.io~1version"))
                .extracting(label -> label.asString(""))
                .containsExactly(release, release);
    }

    /** Every component must be part of an overlay, since only overlays are checked. */
    @Test
    void everyFileIsUsed() throws IOException {
        Set<Path> used = new HashSet<>();
        for (Path overlay : Overlays.directories()) {
            Kustomize kustomize = new Kustomize();
            kustomize.render(overlay);
            used.addAll(kustomize.files());
        }

        assertThat(yamlFiles()).allSatisfy(file -> {
            assertThat(Yaml.read(file)).as("%s", file).isNotEmpty();
            assertThat(used.contains(file) || isForOthers(file))
                    .as("%s is used by an overlay", file)
                    .isTrue();
        });
    }

    private static List<Path> yamlFiles() throws IOException {
        try (Stream<Path> files = Files.walk(Overlays.ROOT)) {
            return files.filter(file -> file.toString().matches(".*\\.ya?ml")).toList();
        }
    }

    /** Tests of the rules, for promtool; and values for the chart of an adapter that belongs to the cluster. */
    private static boolean isForOthers(Path file) {
        Path monitoring = Overlays.ROOT.resolve("components/monitoring");
        return file.startsWith(monitoring.resolve("tests"))
                || file.equals(monitoring.resolve("prometheus-adapter.yaml"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            Deployment/tally | add | /spec/replica | 2 | replica
            Deployment/tally | add | CONTAINER/env/0/from | x | from
            Deployment/tally | add | CONTAINER/livenessProbe/httpGet/url | / | url
            Deployment/tally | add | CONTAINER/lifecycle/preStop/sleep/secs | 1 | secs
            Deployment/tally | add | POD/volumes/1/emptyDir/size | 1Mi | size
            Deployment/tally | remove | /spec/selector | | selector
            Deployment/tally | remove | CONTAINER/name | | name
            Deployment/tally | replace | /spec/minReadySeconds | soon | soon
            Deployment/tally | add | CONTAINER/env/0 | {name: A, value: 5} | value is 5
            Deployment/tally | replace | /apiVersion | apps/v1beta1 | not known
            NetworkPolicy/tally | add | /spec/ingress/0/from/0/namespace | x | namespace
            NetworkPolicy/tally | add | /spec/ingress/0/ports/0/name | http | name
            HorizontalPodAutoscaler/tally | add | /spec/metrics/0/resource/target/average | 1 | average
            HorizontalPodAutoscaler/tally | remove | /spec/maxReplicas | | maxReplicas
            Cluster/tally-db | add | /spec/replicas | 3 | replicas
            Cluster/tally-db | add | /spec/postgresql/synchronous/durability | required | durability
            Cluster/tally-db | replace | /spec/postgresql/synchronous/method | all | method
            Cluster/tally-db | replace | /spec/postgresql/parameters/max_connections | 200 | max_connections
            Cluster/tally-db | add | /spec/topologySpreadConstraints/0/skew | 1 | skew
            Cluster/tally-db | add | /metadata/label | {} | label
            Cluster/tally-db | remove | /spec/storage | | storage
            PodMonitor/tally | add | /spec/podMetricsEndpoints/0/portName | management | portName
            PodMonitor/tally | add | /spec/selector/matchLabel | {} | matchLabel
            PodMonitor/tally | remove | /spec/podMetricsEndpoints | | podMetricsEndpoints
            PrometheusRule/tally | add | /spec/groups/0/rules/0/description | x | description
            PrometheusRule/tally | replace | /spec/groups/0/rules/0/labels | {severity: 1} | String
            PrometheusRule/tally | remove | /spec/groups/0/rules/0/expr | | expr
            PrometheusRule/tally | add | /spec/groups/0/rules/0/record | x | one of alert and record
            """)
    void whatIsNotOfItsTypeIsRefused(
            String name, String operation, String path, @Nullable String value, String complaint) {
        List<ObjectNode> objects = render(PRODUCTION);
        ObjectNode object = broken(objects, name, operation, path, value);

        assertThatThrownBy(() -> Types.require(object))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(complaint);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            Deployment/tally | replace | POD/terminationGracePeriodSeconds | 60 | a stop takes PT1M5S
            Deployment/tally | remove | CONTAINER/lifecycle/preStop | | stops before proxies know
            Deployment/tally | replace | CONTAINER/startupProbe/failureThreshold | 60 | startupProbe allows PT5M
            Deployment/tally | remove | /spec/progressDeadlineSeconds | | progressDeadlineSeconds
            Deployment/tally | replace | /spec/minReadySeconds | 5 | max_connections is 200
            Deployment/tally | replace | /spec/selector/matchLabels | {app: tally} | does not take its own pods
            Deployment/tally | add | /spec/replicas | 3 | the autoscaler's to set
            Deployment/tally | replace | CONTAINER/livenessProbe/httpGet/port | web | livenessProbe
            Deployment/tally | replace | CONTAINER/readinessProbe/httpGet/port | 80 | readinessProbe
            Deployment/tally | add | CONTAINER/env/- | {name: SPRING_PROFILES_ACTIVE, value: x} | set twice
            Deployment/tally | add | CONTAINER/env/- | {name: TALLY_PIPELINE_LANES, value: '32'} \
                    | max_connections is 200
            Deployment/tally | add | CONTAINER/env/- | {name: TALLY_LAB_ENABLED, value: 'true'} | max_connections is 200
            Deployment/tally | replace | CONTAINER/envFrom/0/configMapRef/name | x | there is no ConfigMap x
            Deployment/tally | replace | CONTAINER/env/1/valueFrom/secretKeyRef/name | x | there is no Secret x
            Deployment/tally | replace | CONTAINER/env/1/valueFrom/secretKeyRef/key | x | has no x
            Deployment/tally | replace | CONTAINER/env/0/value | "postgresql://other:5432/tally" | no database at other
            Deployment/tally | remove | CONTAINER/env/4 | | takes all processors
            Deployment/tally | remove | CONTAINER/resources/requests/cpu | | no processor
            Deployment/tally | remove | CONTAINER/resources/limits | | other memory
            Deployment/tally | remove | POD/securityContext/runAsUser | | runAsUser
            Deployment/tally | remove | POD/securityContext/seccompProfile | | seccompProfile
            Deployment/tally | remove | CONTAINER/securityContext/capabilities | | capabilities
            Deployment/tally | remove | CONTAINER/securityContext/readOnlyRootFilesystem | | readOnlyRootFilesystem
            Deployment/tally | add | POD/hostNetwork | true | hostNetwork
            Deployment/tally | add | POD/volumes/- | {name: x, hostPath: {path: /}} | hostPath
            Deployment/tally | remove | POD/volumes/0 | | has the volumes
            Deployment/tally | replace | POD/serviceAccountName | x | no ServiceAccount x
            Deployment/tally | replace | /metadata/namespace | default | another namespace
            Namespace/tally | remove | /metadata/labels/pod-security.kubernetes.io~1enforce | \
                    | enforce is not restricted
            Service/tally | replace | /spec/ports/0/targetPort | 8080 | has not this name
            Service/tally | replace | /spec/selector | {app: tally} | selects no pods
            PodDisruptionBudget/tally | replace | /spec/selector/matchLabels | {app: tally} | selects no pods
            HorizontalPodAutoscaler/tally | replace | /spec/maxReplicas | 20 | may want 260
            HorizontalPodAutoscaler/tally | replace | /spec/maxReplicas | 9 | 10 instances share the rate limits
            Deployment/tally | replace | CONTAINER/env/6/value | '11' | 11 instances share the rate limits
            HorizontalPodAutoscaler/tally | replace | /spec/scaleTargetRef/name | other | scales what is not there
            NetworkPolicy/default-deny | add | /spec/egress | [{}] | denies all by default
            NetworkPolicy/tally | replace | /spec/ingress/0/ports/0/port | web | a port that is not there
            NetworkPolicy/tally-to-database | remove | /spec/egress/0/to | | lets it out
            NetworkPolicy/tally-db | remove | /spec/ingress/0 | | lets it in
            Cluster/tally-db | replace | /spec/postgresql/parameters/max_connections | "150" | may want 160
            Cluster/tally-db | replace | /metadata/name | other | there is no Secret tally-db-app
            Cluster/tally-db | replace | /spec/bootstrap/initdb/database | other | has not the database
            PodMonitor/tally | replace | /spec/podMetricsEndpoints/0/port | http2 | a port that is not there
            PodMonitor/tally | replace | /spec/podMetricsEndpoints/0/port | metrics | admits scrapers to
            PodMonitor/tally | replace | /spec/jobLabel | app | no label of the pods
            PodMonitor/tally | replace | /spec/selector/matchLabels | {app: tally} | selects no pods
            PrometheusRule/tally | replace | /spec/groups/0/rules/0/annotations/runbook_url | x.md | has no runbook
            """)
    void whatDoesNotFitIsFound(String name, String operation, String path, @Nullable String value, String complaint) {
        List<ObjectNode> objects = render(PRODUCTION);
        broken(objects, name, operation, path, value);

        assertThat(Relations.complaints(objects))
                .anySatisfy(each -> assertThat(each).contains(complaint));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            StatefulSet/tally-db | remove | CONTAINER/securityContext | | allowPrivilegeEscalation
            StatefulSet/tally-db | remove | CONTAINER/args | | max_connections
            StatefulSet/tally-db | remove | /spec/volumeClaimTemplates | | has the volumes
            Secret/tally-database | remove | /data/password | | has no password
            Secret/tally-access | remove | /data/root-key | | has no root-key
            Deployment/tally | add | /spec/replicas | 2 | 1 instances share the rate limits, and there may be 2
            """)
    void whatDoesNotFitLocallyIsFound(
            String name, String operation, String path, @Nullable String value, String complaint) {
        List<ObjectNode> objects = render(LOCAL);
        if (complaint.equals("max_connections")) {
            // One instance fits into what PostgreSQL has by default, three do not.
            broken(objects, "Deployment/tally", "add", "/spec/replicas", "8");
        }
        broken(objects, name, operation, path, value);

        assertThat(Relations.complaints(objects))
                .anySatisfy(each -> assertThat(each).contains(complaint));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            Deployment/tally | replace | /metadata/annotations/database-max-connections | '600' | may want 608
            Deployment/tally | remove | /metadata/annotations/database-max-connections | | max_connections is 100
            Deployment/tally | add | CONTAINER/env/- | {name: TALLY_PIPELINE_LANES, value: '2'} | may want 720
            HorizontalPodAutoscaler/tally | replace | /spec/maxReplicas | 11 | may want 650
            NetworkPolicy/tally-to-database | remove | /spec/egress/0/to | | lets it out to one address
            NetworkPolicy/tally-to-database | replace | /spec/egress/0/to/0/ipBlock/cidr | 0.0.0.0/0 | lets it out to
            """)
    void whatDoesNotFitOnCitusIsFound(
            String name, String operation, String path, @Nullable String value, String complaint) {
        List<ObjectNode> objects = render(CITUS);
        broken(objects, name, operation, path, value);

        assertThat(Relations.complaints(objects))
                .anySatisfy(each -> assertThat(each).contains(complaint));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            TALLY_SHARDS_COUNT | 1 | has one shard
            TALLY_SHARDS_COUNT | 16 | may want 1168
            TALLY_DATABASE_READCONNECTIONSMAX | 4 | may want 832
            TALLY_DATABASE_URL | postgresql://citus.example:5432/tally | does not check its database
            """)
    void variableThatDoesNotFitOnCitusIsFound(String variable, String value, String complaint) {
        List<ObjectNode> objects = render(CITUS);
        ObjectNode deployment = Objects.requireNonNull(new Rendering(objects).find("Deployment", "tally"));
        Manifest.containers(deployment)
                .getFirst()
                .path("env")
                .valueStream()
                .filter(each -> each.path("name").asString("").equals(variable))
                .forEach(each -> ((ObjectNode) each).put("value", value));

        assertThat(Relations.complaints(objects))
                .anySatisfy(each -> assertThat(each).contains(complaint));
    }

    /** The object of that name, after one operation of a JSON Patch. */
    private static ObjectNode broken(
            List<ObjectNode> objects, String name, String operation, String path, @Nullable String value) {
        ObjectNode object = objects.stream()
                .filter(each -> Manifest.describe(each).equals(name))
                .findFirst()
                .orElseThrow();
        String whole = path.replace("CONTAINER/", "POD/containers/0/").replace("POD/", "/spec/template/spec/");
        JsonNode operations = Yaml.parse(
                        "[{op: " + operation + ", path: " + whole + (value == null ? "" : ", value: " + value) + "}]")
                .getFirst();
        JsonPatch.apply((ArrayNode) operations, object);
        return object;
    }
}
