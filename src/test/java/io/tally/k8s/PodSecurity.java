package io.tally.k8s;

import java.util.List;
import java.util.Set;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** The restricted standard of pod security, and a little more. */
final class PodSecurity {

    private static final Set<String> VOLUMES_ALLOWED = Set.of(
            "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret");

    private PodSecurity() {}

    static void check(Rendering rendering, ObjectNode workload) {
        checkPod(rendering, workload, Manifest.pod(workload).path("spec"));
        Manifest.containers(workload).forEach(container -> checkContainer(rendering, workload, container));
    }

    private static void checkPod(Rendering rendering, ObjectNode workload, JsonNode pod) {
        JsonNode security = pod.path("securityContext");
        rendering.require(security.path("runAsNonRoot").asBoolean(false), workload, "runAsNonRoot is not true");
        rendering.require(security.path("runAsUser").asInt(0) > 0, workload, "runAsUser is not a number above 0");
        rendering.require(
                security.at("/seccompProfile/type").asString("").equals("RuntimeDefault"),
                workload,
                "seccompProfile is not RuntimeDefault");
        for (String shared : List.of("hostNetwork", "hostPID", "hostIPC")) {
            rendering.require(!pod.has(shared), workload, shared + " is not allowed");
        }
        for (JsonNode volume : pod.path("volumes")) {
            volume.propertyNames()
                    .forEach(type -> rendering.require(
                            type.equals("name") || VOLUMES_ALLOWED.contains(type),
                            workload,
                            "a volume of type " + type + " is not allowed"));
        }
    }

    private static void checkContainer(Rendering rendering, ObjectNode workload, JsonNode container) {
        JsonNode security = container.path("securityContext");
        rendering.require(
                !security.path("allowPrivilegeEscalation").asBoolean(true),
                workload,
                "allowPrivilegeEscalation is not false");
        rendering.require(
                security.path("readOnlyRootFilesystem").asBoolean(false),
                workload,
                "readOnlyRootFilesystem is not true");
        rendering.require(
                security.at("/capabilities/drop")
                        .valueStream()
                        .anyMatch(each -> each.asString("").equals("ALL")),
                workload,
                "does not drop ALL capabilities");
        for (String raised : List.of("privileged", "runAsUser", "runAsNonRoot", "procMount", "seccompProfile")) {
            rendering.require(!security.has(raised), workload, raised + " of a container is not allowed");
        }
        rendering.require(security.at("/capabilities/add").isMissingNode(), workload, "adds capabilities");
        container
                .path("ports")
                .forEach(port ->
                        rendering.require(!port.has("hostPort"), workload, "a port of the host is not allowed"));
    }
}
