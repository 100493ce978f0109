package io.tally.k8s;

import io.tally.testing.Yaml;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** How the objects of an overlay fit each other: what no type can say. */
final class Relations {

    private static final Set<String> PROBES = Set.of("startupProbe", "livenessProbe", "readinessProbe");

    /** The secrets and their keys that an operator creates by hand where an overlay does not have them. */
    private static final Map<String, Set<String>> BY_HAND = Map.of(
            "tally-access", Set.of("root-key"),
            "tally-database", Set.of("username", "password", "ca.crt"));

    private final Rendering rendering;

    private Relations(Rendering rendering) {
        this.rendering = rendering;
    }

    /** What does not fit, each as a sentence; nothing where all is well. */
    static List<String> complaints(List<ObjectNode> objects) {
        Rendering rendering = new Rendering(objects);
        new Relations(rendering).check();
        rendering.workloads().forEach(workload -> PodSecurity.check(rendering, workload));
        TallyPods.check(rendering);
        return rendering.complaints();
    }

    private void check() {
        checkNames();
        checkNamespace();
        rendering.workloads().forEach(this::checkWorkload);
        rendering.all("Service").forEach(this::checkService);
        rendering.all("PodDisruptionBudget").forEach(budget -> rendering.podsOf(budget, budget.at("/spec/selector")));
        rendering.all("HorizontalPodAutoscaler").forEach(this::checkAutoscaler);
        checkPolicies();
        rendering.all("PodMonitor").forEach(this::checkMonitor);
        rendering.all("PrometheusRule").forEach(this::checkRunbooks);
    }

    /** What may not be released: an image that is not told by a release or a digest. */
    static List<String> unreleased(List<ObjectNode> objects) {
        return objects.stream()
                .flatMap(object -> Manifest.containers(object).stream())
                .map(container -> container.path("image").asString(""))
                .filter(image -> !image.contains("@") && (!Rendering.tagged(image) || image.endsWith(":latest")))
                .map(image -> image + " is no release")
                .toList();
    }

    private void checkNames() {
        Set<String> names = new HashSet<>();
        for (ObjectNode object : rendering.objects()) {
            rendering.require(names.add(Manifest.describe(object)), object, "is there twice");
            rendering.require(
                    object.at("/metadata/labels/app.kubernetes.io~1part-of")
                                    .asString("")
                                    .equals(Rendering.NAMESPACE)
                            || Set.of("ConfigMap", "Secret")
                                    .contains(object.path("kind").asString()),
                    object,
                    "lacks the label app.kubernetes.io/part-of");
        }
    }

    private void checkNamespace() {
        for (ObjectNode object : rendering.objects()) {
            if (Manifest.isKind(object, "Namespace")) {
                for (String mode : List.of("enforce", "warn", "audit")) {
                    String label = "/metadata/labels/pod-security.kubernetes.io~1" + mode;
                    rendering.require(
                            object.at(label).asString("").equals("restricted"), object, mode + " is not restricted");
                }
            }
            String place = Manifest.isKind(object, "Namespace") ? "/metadata/name" : "/metadata/namespace";
            rendering.require(
                    object.at(place).asString("").equals(Rendering.NAMESPACE), object, "is in another namespace");
        }
        if (rendering.all("Namespace").size() != 1) {
            rendering.complain("there is not one Namespace");
        }
    }

    private void checkWorkload(ObjectNode workload) {
        JsonNode pod = Manifest.pod(workload).path("spec");
        rendering.require(
                Manifest.selects(workload.at("/spec/selector"), Rendering.labels(workload)),
                workload,
                "its selector does not take its own pods");
        rendering.require(
                !pod.path("automountServiceAccountToken").asBoolean(true), workload, "has a token of Kubernetes");
        rendering.require(!pod.path("enableServiceLinks").asBoolean(true), workload, "has the variables of services");
        String account = pod.path("serviceAccountName").asString("");
        rendering.require(
                account.isEmpty() || rendering.find("ServiceAccount", account) != null,
                workload,
                "there is no ServiceAccount " + account);
        for (JsonNode constraint : pod.path("topologySpreadConstraints")) {
            rendering.require(
                    Manifest.selects(constraint.path("labelSelector"), Rendering.labels(workload)),
                    workload,
                    "spreads other pods than its own");
        }
        checkVolumes(workload, pod);
        for (JsonNode container : Manifest.containers(workload)) {
            checkContainer(workload, container);
        }
    }

    private void checkVolumes(ObjectNode workload, JsonNode pod) {
        Set<String> volumes = new HashSet<>();
        for (JsonNode volume : pod.path("volumes")) {
            rendering.require(volumes.add(volume.path("name").asString("")), workload, "two volumes have one name");
            checkReference(workload, "Secret", volume.at("/secret/secretName"), keys(volume.at("/secret/items")));
            checkReference(workload, "ConfigMap", volume.at("/configMap/name"), keys(volume.at("/configMap/items")));
        }
        for (JsonNode claim : workload.at("/spec/volumeClaimTemplates")) {
            rendering.require(volumes.add(Manifest.name(claim)), workload, "two volumes have one name");
        }
        Set<String> mounted = new HashSet<>();
        Manifest.containers(workload).stream()
                .flatMap(container -> container.path("volumeMounts").valueStream())
                .forEach(mount -> mounted.add(mount.path("name").asString("")));
        rendering.require(mounted.equals(volumes), workload, "mounts " + mounted + " and has the volumes " + volumes);
    }

    private static List<String> keys(JsonNode items) {
        return items.valueStream().map(item -> item.path("key").asString("")).toList();
    }

    private void checkContainer(ObjectNode workload, JsonNode container) {
        JsonNode resources = container.path("resources");
        rendering.require(resources.at("/requests/cpu").isString(), workload, "asks for no processor");
        rendering.require(
                resources.at("/requests/memory").isString()
                        && resources.at("/requests/memory").equals(resources.at("/limits/memory")),
                workload,
                "asks for other memory than it may have");
        rendering.require(
                container.path("imagePullPolicy").asString("").equals("IfNotPresent"),
                workload,
                "imagePullPolicy is not IfNotPresent, which a loaded image needs");
        rendering.require(Rendering.tagged(container.path("image").asString("")), workload, "its image has no tag");
        for (String probe : PROBES) {
            JsonNode port = container.path(probe).at("/httpGet/port");
            rendering.require(
                    port.isMissingNode() || Rendering.hasPort(workload, port),
                    workload,
                    probe + " asks at a port that is not there");
        }
        Set<String> names = new HashSet<>();
        for (JsonNode variable : container.path("env")) {
            String name = variable.path("name").asString("");
            rendering.require(names.add(name), workload, name + " is set twice");
            rendering.require(
                    variable.has("value") != variable.has("valueFrom"),
                    workload,
                    name + " has not one of value and valueFrom");
            JsonNode secret = variable.at("/valueFrom/secretKeyRef");
            checkReference(
                    workload,
                    "Secret",
                    secret.path("name"),
                    List.of(secret.path("key").asString("")));
            JsonNode map = variable.at("/valueFrom/configMapKeyRef");
            checkReference(
                    workload,
                    "ConfigMap",
                    map.path("name"),
                    List.of(map.path("key").asString("")));
        }
        for (JsonNode source : container.path("envFrom")) {
            checkReference(workload, "ConfigMap", source.at("/configMapRef/name"), List.of());
            checkReference(workload, "Secret", source.at("/secretRef/name"), List.of());
        }
    }

    private void checkReference(ObjectNode workload, String kind, JsonNode name, List<String> keys) {
        if (name.isMissingNode()) {
            return;
        }
        Set<String> there = dataOf(kind, name.asString(""));
        rendering.require(there != null, workload, "there is no " + kind + " " + name.asString(""));
        if (there != null) {
            keys.forEach(key -> rendering.require(there.contains(key), workload, name.asString("") + " has no " + key));
        }
    }

    /** The keys of an object's data, be it here, made by an operator, or made by hand as the documentation says. */
    private @Nullable Set<String> dataOf(String kind, String name) {
        if (kind.equals("Secret")) {
            Set<String> byHand = BY_HAND.get(name);
            if (byHand != null && rendering.find(kind, name) == null) {
                return byHand;
            }
            for (ObjectNode cluster : rendering.all("Cluster")) {
                if (name.equals(Manifest.name(cluster) + "-app")) {
                    return Set.of("username", "password");
                }
                if (name.equals(Manifest.name(cluster) + "-ca")) {
                    return Set.of("ca.crt");
                }
            }
        }
        ObjectNode object = rendering.find(kind, name);
        return object == null ? null : Set.copyOf(object.path("data").propertyNames());
    }

    private void checkService(ObjectNode service) {
        ObjectNode selector = Yaml.object();
        selector.set("matchLabels", service.at("/spec/selector"));
        for (ObjectNode workload : rendering.podsOf(service, selector)) {
            for (JsonNode port : service.at("/spec/ports")) {
                rendering.require(
                        port.path("targetPort").isString() && Rendering.hasPort(workload, port.path("targetPort")),
                        service,
                        "leads to a port that has not this name: " + port.path("targetPort"));
            }
        }
    }

    private void checkAutoscaler(ObjectNode autoscaler) {
        JsonNode target = autoscaler.at("/spec/scaleTargetRef");
        ObjectNode workload = rendering.find(
                target.path("kind").asString(""), target.path("name").asString(""));
        rendering.require(
                workload != null && workload.path("apiVersion").equals(target.path("apiVersion")),
                autoscaler,
                "scales what is not there");
        rendering.require(
                autoscaler.at("/spec/minReplicas").asInt(1)
                        <= autoscaler.at("/spec/maxReplicas").asInt(0),
                autoscaler,
                "minReplicas is above maxReplicas");
        if (workload != null) {
            rendering.require(!workload.path("spec").has("replicas"), workload, "replicas are the autoscaler's to set");
        }
    }

    private void checkPolicies() {
        boolean deniesByDefault = false;
        for (ObjectNode policy : rendering.all("NetworkPolicy")) {
            JsonNode selector = policy.at("/spec/podSelector");
            List<ObjectNode> selected = rendering.podsOf(policy, selector);
            boolean everything =
                    selector.isEmpty() && policy.at("/spec/policyTypes").size() == 2;
            deniesByDefault |= everything
                    && !policy.path("spec").has("ingress")
                    && !policy.path("spec").has("egress");
            for (JsonNode rule : policy.at("/spec/ingress")) {
                rule.path("from").forEach(peer -> checkPeer(policy, peer));
                for (JsonNode port : rule.path("ports")) {
                    selected.forEach(workload -> rendering.require(
                            Rendering.hasPort(workload, port.path("port")),
                            policy,
                            "lets in to a port that is not there: " + port.path("port")));
                }
            }
            for (JsonNode rule : policy.at("/spec/egress")) {
                rule.path("to").forEach(peer -> checkPeer(policy, peer));
            }
        }
        if (!deniesByDefault) {
            rendering.complain("there is no NetworkPolicy that denies all by default");
        }
    }

    private void checkPeer(ObjectNode policy, JsonNode peer) {
        if (peer.has("podSelector") && !peer.has("namespaceSelector")) {
            rendering.podsOf(policy, peer.path("podSelector"));
        }
    }

    private void checkMonitor(ObjectNode monitor) {
        for (ObjectNode workload : rendering.podsOf(monitor, monitor.at("/spec/selector"))) {
            String job = monitor.at("/spec/jobLabel").asString("");
            rendering.require(Rendering.labels(workload).has(job), monitor, "jobLabel is no label of the pods: " + job);
            for (JsonNode endpoint : monitor.at("/spec/podMetricsEndpoints")) {
                JsonNode port = endpoint.path("port");
                rendering.require(
                        Rendering.hasPort(workload, port), monitor, "reads a port that is not there: " + port);
                boolean letIn = rendering.all("NetworkPolicy").stream()
                        .filter(policy -> Manifest.selects(policy.at("/spec/podSelector"), Rendering.labels(workload)))
                        .flatMap(policy -> policy.at("/spec/ingress").valueStream())
                        .flatMap(rule -> rule.path("ports").valueStream())
                        .anyMatch(each -> each.path("port").equals(port));
                rendering.require(letIn, monitor, "no NetworkPolicy admits scrapers to " + port);
            }
        }
    }

    private void checkRunbooks(ObjectNode rules) {
        for (JsonNode group : rules.at("/spec/groups")) {
            for (JsonNode rule : group.path("rules")) {
                String runbook = rule.at("/annotations/runbook_url").asString("");
                rendering.require(
                        !rule.has("alert") || Files.isRegularFile(Path.of(runbook)),
                        rules,
                        rule.path("alert") + " has no runbook: " + runbook);
            }
        }
    }
}
