package io.tally.k8s;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tally.testing.Yaml;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
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
        assertThat(Relations.unreleased(render(LOCAL))).containsExactly("tally:latest is no release");
    }

    /** What no overlay uses, nobody checks. */
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
            Deployment/tally  | {op: add, path: /spec/replica, value: 2}                                                 | replica
            Deployment/tally  | {op: add, path: /spec/template/spec/containers/0/env/0/from, value: x}                   | from
            Deployment/tally  | {op: add, path: /spec/template/spec/containers/0/livenessProbe/httpGet/url, value: /}    | url
            Deployment/tally  | {op: add, path: /spec/template/spec/containers/0/lifecycle/preStop/sleep/secs, value: 1} | secs
            Deployment/tally  | {op: add, path: /spec/template/spec/volumes/1/emptyDir/size, value: 1Mi}                 | size
            Deployment/tally  | {op: remove, path: /spec/selector}                                                       | selector
            Deployment/tally  | {op: remove, path: /spec/template/spec/containers/0/name}                                | name
            Deployment/tally  | {op: replace, path: /spec/minReadySeconds, value: soon}                                  | soon
            Deployment/tally  | {op: add, path: /spec/template/spec/containers/0/env/0, value: {name: A, value: 5}}      | value is 5
            Deployment/tally  | {op: replace, path: /apiVersion, value: apps/v1beta1}                                    | not known
            NetworkPolicy/tally | {op: add, path: /spec/ingress/0/from/0/namespace, value: x}                            | namespace
            NetworkPolicy/tally | {op: add, path: /spec/ingress/0/ports/0/name, value: http}                             | name
            HorizontalPodAutoscaler/tally | {op: add, path: /spec/metrics/0/resource/target/average, value: 1}           | average
            HorizontalPodAutoscaler/tally | {op: remove, path: /spec/maxReplicas}                                        | maxReplicas
            Cluster/tally-db  | {op: add, path: /spec/replicas, value: 3}                                                | replicas
            Cluster/tally-db  | {op: add, path: /spec/postgresql/synchronous/durability, value: required}                | durability
            Cluster/tally-db  | {op: replace, path: /spec/postgresql/synchronous/method, value: all}                     | method
            Cluster/tally-db  | {op: replace, path: /spec/postgresql/parameters/max_connections, value: 200}             | max_connections
            Cluster/tally-db  | {op: add, path: /spec/topologySpreadConstraints/0/skew, value: 1}                        | skew
            Cluster/tally-db  | {op: add, path: /metadata/label, value: {}}                                              | label
            Cluster/tally-db  | {op: remove, path: /spec/storage}                                                        | storage
            PodMonitor/tally | {op: add, path: /spec/podMetricsEndpoints/0/portName, value: management} | portName
            PodMonitor/tally | {op: add, path: /spec/selector/matchLabel, value: {}} | matchLabel
            PodMonitor/tally | {op: remove, path: /spec/podMetricsEndpoints} | podMetricsEndpoints
            PrometheusRule/tally | {op: add, path: /spec/groups/0/rules/0/description, value: x} | description
            PrometheusRule/tally | {op: replace, path: /spec/groups/0/rules/0/labels, value: {severity: 1}} | String
            PrometheusRule/tally | {op: remove, path: /spec/groups/0/rules/0/expr} | expr
            PrometheusRule/tally | {op: add, path: /spec/groups/0/rules/0/record, value: x} | one of alert and record
            """)
    void whatIsNotOfItsTypeIsRefused(String name, String operation, String complaint) {
        List<ObjectNode> objects = render(PRODUCTION);
        ObjectNode object = broken(objects, name, operation);

        assertThatThrownBy(() -> Types.require(object))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(complaint);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            production | Deployment/tally | {op: replace, path: /spec/template/spec/terminationGracePeriodSeconds, value: 60}     | a stop takes PT1M5S
            production | Deployment/tally | {op: remove, path: /spec/template/spec/containers/0/lifecycle/preStop}               | stops before proxies know
            production | Deployment/tally | {op: replace, path: /spec/template/spec/containers/0/startupProbe/failureThreshold, value: 60} | startupProbe allows PT5M
            production | Deployment/tally | {op: remove, path: /spec/progressDeadlineSeconds}                                    | progressDeadlineSeconds
            production | Deployment/tally | {op: replace, path: /spec/minReadySeconds, value: 5}                                 | max_connections is 200
            production | Deployment/tally | {op: replace, path: /spec/selector/matchLabels, value: {app: tally}}                 | does not take its own pods
            production | Deployment/tally | {op: add, path: /spec/replicas, value: 3}                                            | the autoscaler's to set
            production | Deployment/tally | {op: replace, path: /spec/template/spec/containers/0/livenessProbe/httpGet/port, value: web} | livenessProbe
            production | Deployment/tally | {op: replace, path: /spec/template/spec/containers/0/readinessProbe/httpGet/port, value: 80} | readinessProbe
            production | Deployment/tally | {op: add, path: /spec/template/spec/containers/0/env/-, value: {name: SPRING_PROFILES_ACTIVE, value: x}} | set twice
            production | Deployment/tally | {op: add, path: /spec/template/spec/containers/0/env/-, value: {name: TALLY_PIPELINE_LANES, value: '32'}} | max_connections is 200
            production | Deployment/tally | {op: add, path: /spec/template/spec/containers/0/env/-, value: {name: TALLY_LAB_ENABLED, value: 'true'}} | max_connections is 200
            production | Deployment/tally | {op: replace, path: /spec/template/spec/containers/0/envFrom/0/configMapRef/name, value: x} | there is no ConfigMap x
            production | Deployment/tally | {op: replace, path: /spec/template/spec/containers/0/env/1/valueFrom/secretKeyRef/name, value: x} | there is no Secret x
            production | Deployment/tally | {op: replace, path: /spec/template/spec/containers/0/env/1/valueFrom/secretKeyRef/key, value: x} | has no x
            production | Deployment/tally | {op: replace, path: /spec/template/spec/containers/0/env/0/value, value: 'postgresql://other:5432/tally'} | no database at other
            production | Deployment/tally | {op: remove, path: /spec/template/spec/containers/0/env/4}                           | takes all processors
            production | Deployment/tally | {op: remove, path: /spec/template/spec/containers/0/resources/requests/cpu}          | no processor
            production | Deployment/tally | {op: remove, path: /spec/template/spec/containers/0/resources/limits}                | other memory
            production | Deployment/tally | {op: remove, path: /spec/template/spec/securityContext/runAsUser}                    | runAsUser
            production | Deployment/tally | {op: remove, path: /spec/template/spec/securityContext/seccompProfile}               | seccompProfile
            production | Deployment/tally | {op: remove, path: /spec/template/spec/containers/0/securityContext/capabilities}    | capabilities
            production | Deployment/tally | {op: remove, path: /spec/template/spec/containers/0/securityContext/readOnlyRootFilesystem} | readOnlyRootFilesystem
            production | Deployment/tally | {op: add, path: /spec/template/spec/hostNetwork, value: true}                        | hostNetwork
            production | Deployment/tally | {op: add, path: /spec/template/spec/volumes/-, value: {name: x, hostPath: {path: /}}} | hostPath
            production | Deployment/tally | {op: remove, path: /spec/template/spec/volumes/0}                                    | has the volumes
            production | Deployment/tally | {op: replace, path: /spec/template/spec/serviceAccountName, value: x}                | no ServiceAccount x
            production | Deployment/tally | {op: replace, path: /metadata/namespace, value: default}                             | another namespace
            production | Namespace/tally  | {op: remove, path: /metadata/labels/pod-security.kubernetes.io~1enforce}             | enforce is not restricted
            production | Service/tally    | {op: replace, path: /spec/ports/0/targetPort, value: 8080}                           | has not this name
            production | Service/tally    | {op: replace, path: /spec/selector, value: {app: tally}}                             | selects no pods
            production | PodDisruptionBudget/tally | {op: replace, path: /spec/selector/matchLabels, value: {app: tally}}        | selects no pods
            production | HorizontalPodAutoscaler/tally | {op: replace, path: /spec/maxReplicas, value: 20}                       | may want 260
            production | HorizontalPodAutoscaler/tally | {op: replace, path: /spec/scaleTargetRef/name, value: other}            | scales what is not there
            production | NetworkPolicy/default-deny | {op: add, path: /spec/egress, value: [{}]}                                 | denies all by default
            production | NetworkPolicy/tally | {op: replace, path: /spec/ingress/0/ports/0/port, value: web}                     | a port that is not there
            production | NetworkPolicy/tally-to-database | {op: remove, path: /spec/egress/0/to}                                 | lets it out
            production | NetworkPolicy/tally-db | {op: remove, path: /spec/ingress/0}                                            | lets it in
            production | Cluster/tally-db | {op: replace, path: /spec/postgresql/parameters/max_connections, value: '150'}       | may want 160
            production | Cluster/tally-db | {op: replace, path: /metadata/name, value: other}                                    | there is no Secret tally-db-app
            production | Cluster/tally-db | {op: replace, path: /spec/bootstrap/initdb/database, value: other}                   | has not the database
            local      | StatefulSet/tally-db | {op: remove, path: /spec/template/spec/containers/0/securityContext}             | allowPrivilegeEscalation
            local      | StatefulSet/tally-db | {op: remove, path: /spec/template/spec/containers/0/args}                        | max_connections
            local      | StatefulSet/tally-db | {op: remove, path: /spec/volumeClaimTemplates}                                   | has the volumes
            local      | Secret/tally-database | {op: remove, path: /data/password}                                              | has no password
            production | PodMonitor/tally | {op: replace, path: /spec/podMetricsEndpoints/0/port, value: http2} | a port that is not there
            production | PodMonitor/tally | {op: replace, path: /spec/podMetricsEndpoints/0/port, value: metrics} | lets anybody in
            production | PodMonitor/tally | {op: replace, path: /spec/jobLabel, value: app} | no label of the pods
            production | PodMonitor/tally | {op: replace, path: /spec/selector/matchLabels, value: {app: tally}} | selects no pods
            production | PrometheusRule/tally | {op: replace, path: /spec/groups/0/rules/0/annotations/runbook_url, value: x.md} | has no runbook
            """)
    void whatDoesNotFitIsFound(String overlay, String name, String operation, String complaint) {
        List<ObjectNode> objects = render(overlay);
        if (complaint.equals("max_connections") && overlay.equals(LOCAL)) {
            // One instance fits into what PostgreSQL has by default, three do not.
            broken(objects, "Deployment/tally", "{op: add, path: /spec/replicas, value: 8}");
        }
        broken(objects, name, operation);

        assertThat(Relations.complaints(objects))
                .anySatisfy(each -> assertThat(each).contains(complaint));
    }

    private static ObjectNode broken(List<ObjectNode> objects, String name, String operation) {
        ObjectNode object = objects.stream()
                .filter(each -> Manifest.describe(each).equals(name))
                .findFirst()
                .orElseThrow();
        JsonNode operations = Yaml.parse("[" + operation + "]").getFirst();
        JsonPatch.apply((ArrayNode) operations, object);
        return object;
    }
}
