package io.tally.k8s;

import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** How the objects of an overlay fit each other and the code: what no type can say. */
final class Relations {

    private static final String NAMESPACE = "tally";

    /** What else happens while an instance starts and stops. */
    private static final Duration MARGIN = Duration.ofSeconds(5);

    /** The longest migration that a start has time for, besides the wait for the database. */
    private static final Duration MIGRATION_MAX = Duration.ofMinutes(5);

    /** Connections for the operator, superusers and people. */
    private static final int CONNECTIONS_RESERVED = 20;

    /** What PostgreSQL has where nobody says anything. */
    private static final int CONNECTIONS_DEFAULT = 100;

    private static final Set<String> PROBES = Set.of("startupProbe", "livenessProbe", "readinessProbe");

    private static final Set<String> VOLUMES_ALLOWED = Set.of(
            "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret");

    private final List<ObjectNode> objects;
    private final List<String> complaints = new ArrayList<>();

    private Relations(List<ObjectNode> objects) {
        this.objects = objects;
    }

    /** What does not fit, each as a sentence; nothing where all is well. */
    static List<String> complaints(List<ObjectNode> objects) {
        Relations relations = new Relations(objects);
        relations.checkNames();
        relations.checkNamespace();
        relations.workloads().forEach(relations::checkWorkload);
        relations.all("Service").forEach(relations::checkService);
        relations.all("PodDisruptionBudget").forEach(budget -> relations.podsOf(budget, budget.at("/spec/selector")));
        relations.all("HorizontalPodAutoscaler").forEach(relations::checkAutoscaler);
        relations.checkPolicies();
        relations.all("PodMonitor").forEach(relations::checkMonitor);
        relations.all("PrometheusRule").forEach(relations::checkRunbooks);
        relations.checkTally();
        return relations.complaints;
    }

    /** What may not be released: an image that is not told by a release or a digest. */
    static List<String> unreleased(List<ObjectNode> objects) {
        return objects.stream()
                .flatMap(object -> Manifest.containers(object).stream())
                .map(container -> container.path("image").asString(""))
                .filter(image -> !image.contains("@") && (!tagged(image) || image.endsWith(":latest")))
                .map(image -> image + " is no release")
                .toList();
    }

    private static boolean tagged(String image) {
        return image.substring(image.lastIndexOf('/') + 1).contains(":");
    }

    private void require(boolean holds, JsonNode object, String complaint) {
        if (!holds) {
            complaints.add(Manifest.describe(object) + ": " + complaint);
        }
    }

    private List<ObjectNode> all(String kind) {
        return objects.stream().filter(object -> Manifest.isKind(object, kind)).toList();
    }

    private @Nullable ObjectNode find(String kind, String name) {
        return all(kind).stream()
                .filter(object -> Manifest.name(object).equals(name))
                .findFirst()
                .orElse(null);
    }

    private List<ObjectNode> workloads() {
        return Stream.of("Deployment", "StatefulSet")
                .flatMap(kind -> all(kind).stream())
                .toList();
    }

    private static JsonNode labels(JsonNode workload) {
        return Manifest.pod(workload).at("/metadata/labels");
    }

    private void checkNames() {
        Set<String> names = new HashSet<>();
        for (ObjectNode object : objects) {
            require(names.add(Manifest.describe(object)), object, "is there twice");
            require(
                    object.at("/metadata/labels/app.kubernetes.io~1part-of")
                                    .asString("")
                                    .equals(NAMESPACE)
                            || Set.of("ConfigMap", "Secret")
                                    .contains(object.path("kind").asString()),
                    object,
                    "lacks the label app.kubernetes.io/part-of");
        }
    }

    private void checkNamespace() {
        for (ObjectNode object : objects) {
            if (Manifest.isKind(object, "Namespace")) {
                for (String mode : List.of("enforce", "warn", "audit")) {
                    String label = "/metadata/labels/pod-security.kubernetes.io~1" + mode;
                    require(object.at(label).asString("").equals("restricted"), object, mode + " is not restricted");
                }
            }
            String place = Manifest.isKind(object, "Namespace") ? "/metadata/name" : "/metadata/namespace";
            require(object.at(place).asString("").equals(NAMESPACE), object, "is in another namespace");
        }
        if (all("Namespace").size() != 1) {
            complaints.add("there is not one Namespace");
        }
    }

    private void checkWorkload(ObjectNode workload) {
        JsonNode pod = Manifest.pod(workload).path("spec");
        require(
                Manifest.selects(workload.at("/spec/selector"), labels(workload)),
                workload,
                "its selector does not take its own pods");
        require(!pod.path("automountServiceAccountToken").asBoolean(true), workload, "has a token of Kubernetes");
        require(!pod.path("enableServiceLinks").asBoolean(true), workload, "has the variables of services");
        String account = pod.path("serviceAccountName").asString("");
        require(
                account.isEmpty() || find("ServiceAccount", account) != null,
                workload,
                "there is no ServiceAccount " + account);
        for (JsonNode constraint : pod.path("topologySpreadConstraints")) {
            require(
                    Manifest.selects(constraint.path("labelSelector"), labels(workload)),
                    workload,
                    "spreads other pods than its own");
        }
        checkPodSecurity(workload, pod);
        checkVolumes(workload, pod);
        for (JsonNode container : Manifest.containers(workload)) {
            checkContainer(workload, container);
            checkContainerSecurity(workload, container);
        }
    }

    /** The restricted standard, and a little more. */
    private void checkPodSecurity(ObjectNode workload, JsonNode pod) {
        JsonNode security = pod.path("securityContext");
        require(security.path("runAsNonRoot").asBoolean(false), workload, "runAsNonRoot is not true");
        require(security.path("runAsUser").asInt(0) > 0, workload, "runAsUser is not a number above 0");
        require(
                security.at("/seccompProfile/type").asString("").equals("RuntimeDefault"),
                workload,
                "seccompProfile is not RuntimeDefault");
        for (String shared : List.of("hostNetwork", "hostPID", "hostIPC")) {
            require(!pod.has(shared), workload, shared + " is not allowed");
        }
        for (JsonNode volume : pod.path("volumes")) {
            volume.propertyNames()
                    .forEach(type -> require(
                            type.equals("name") || VOLUMES_ALLOWED.contains(type),
                            workload,
                            "a volume of type " + type + " is not allowed"));
        }
    }

    private void checkContainerSecurity(ObjectNode workload, JsonNode container) {
        JsonNode security = container.path("securityContext");
        require(
                !security.path("allowPrivilegeEscalation").asBoolean(true),
                workload,
                "allowPrivilegeEscalation is not false");
        require(
                security.path("readOnlyRootFilesystem").asBoolean(false),
                workload,
                "readOnlyRootFilesystem is not true");
        require(
                security.at("/capabilities/drop")
                        .valueStream()
                        .anyMatch(each -> each.asString("").equals("ALL")),
                workload,
                "does not drop ALL capabilities");
        for (String raised : List.of("privileged", "runAsUser", "runAsNonRoot", "procMount", "seccompProfile")) {
            require(!security.has(raised), workload, raised + " of a container is not allowed");
        }
        require(security.at("/capabilities/add").isMissingNode(), workload, "adds capabilities");
        container
                .path("ports")
                .forEach(port -> require(!port.has("hostPort"), workload, "a port of the host is not allowed"));
    }

    private void checkVolumes(ObjectNode workload, JsonNode pod) {
        Set<String> volumes = new HashSet<>();
        for (JsonNode volume : pod.path("volumes")) {
            require(volumes.add(volume.path("name").asString("")), workload, "two volumes have one name");
            checkReference(workload, "Secret", volume.at("/secret/secretName"), keys(volume.at("/secret/items")));
            checkReference(workload, "ConfigMap", volume.at("/configMap/name"), keys(volume.at("/configMap/items")));
        }
        for (JsonNode claim : workload.at("/spec/volumeClaimTemplates")) {
            require(volumes.add(Manifest.name(claim)), workload, "two volumes have one name");
        }
        Set<String> mounted = new HashSet<>();
        Manifest.containers(workload).stream()
                .flatMap(container -> container.path("volumeMounts").valueStream())
                .forEach(mount -> mounted.add(mount.path("name").asString("")));
        require(mounted.equals(volumes), workload, "mounts " + mounted + " and has the volumes " + volumes);
    }

    private static List<String> keys(JsonNode items) {
        return items.valueStream().map(item -> item.path("key").asString("")).toList();
    }

    private void checkContainer(ObjectNode workload, JsonNode container) {
        JsonNode resources = container.path("resources");
        require(resources.at("/requests/cpu").isString(), workload, "asks for no processor");
        require(
                resources.at("/requests/memory").isString()
                        && resources.at("/requests/memory").equals(resources.at("/limits/memory")),
                workload,
                "asks for other memory than it may have");
        require(
                container.path("imagePullPolicy").asString("").equals("IfNotPresent"),
                workload,
                "imagePullPolicy is not IfNotPresent, which a loaded image needs");
        require(tagged(container.path("image").asString("")), workload, "its image has no tag");
        for (String probe : PROBES) {
            JsonNode port = container.path(probe).at("/httpGet/port");
            require(
                    port.isMissingNode() || hasPort(workload, port),
                    workload,
                    probe + " asks at a port that is not there");
        }
        Set<String> names = new HashSet<>();
        for (JsonNode variable : container.path("env")) {
            String name = variable.path("name").asString("");
            require(names.add(name), workload, name + " is set twice");
            require(
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
        require(there != null, workload, "there is no " + kind + " " + name.asString(""));
        if (there != null) {
            keys.forEach(key -> require(there.contains(key), workload, name.asString("") + " has no " + key));
        }
    }

    /** The keys of an object's data, be it here or made by an operator. */
    private @Nullable Set<String> dataOf(String kind, String name) {
        if (kind.equals("Secret")) {
            for (ObjectNode cluster : all("Cluster")) {
                if (name.equals(Manifest.name(cluster) + "-app")) {
                    return Set.of("username", "password");
                }
                if (name.equals(Manifest.name(cluster) + "-ca")) {
                    return Set.of("ca.crt");
                }
            }
        }
        ObjectNode object = find(kind, name);
        return object == null ? null : Set.copyOf(object.path("data").propertyNames());
    }

    private static boolean hasPort(JsonNode workload, JsonNode port) {
        return Manifest.containers(workload).stream()
                .flatMap(container -> container.path("ports").valueStream())
                .anyMatch(each -> port.isString()
                        ? each.path("name").equals(port)
                        : each.path("containerPort").equals(port));
    }

    /** The workloads whose pods a selector takes; one at least. */
    private List<ObjectNode> podsOf(ObjectNode object, JsonNode selector) {
        List<ObjectNode> selected = workloads().stream()
                .filter(workload -> Manifest.selects(selector, labels(workload)))
                .toList();
        boolean operators = all("Cluster").stream().anyMatch(cluster -> Manifest.selects(selector, labelsOf(cluster)));
        require(!selected.isEmpty() || operators, object, "selects no pods");
        require(selected.size() <= 1 || selector.isEmpty(), object, "selects the pods of several");
        return selected;
    }

    /** What the operator gives to the pods of a cluster. */
    private static ObjectNode labelsOf(JsonNode cluster) {
        return Yaml.object().put("cnpg.io/cluster", Manifest.name(cluster));
    }

    private void checkService(ObjectNode service) {
        ObjectNode selector = Yaml.object();
        selector.set("matchLabels", service.at("/spec/selector"));
        for (ObjectNode workload : podsOf(service, selector)) {
            for (JsonNode port : service.at("/spec/ports")) {
                require(
                        port.path("targetPort").isString() && hasPort(workload, port.path("targetPort")),
                        service,
                        "leads to a port that has not this name: " + port.path("targetPort"));
            }
        }
    }

    private void checkAutoscaler(ObjectNode autoscaler) {
        JsonNode target = autoscaler.at("/spec/scaleTargetRef");
        ObjectNode workload =
                find(target.path("kind").asString(""), target.path("name").asString(""));
        require(
                workload != null && workload.path("apiVersion").equals(target.path("apiVersion")),
                autoscaler,
                "scales what is not there");
        require(
                autoscaler.at("/spec/minReplicas").asInt(1)
                        <= autoscaler.at("/spec/maxReplicas").asInt(0),
                autoscaler,
                "minReplicas is above maxReplicas");
        if (workload != null) {
            require(!workload.path("spec").has("replicas"), workload, "replicas are the autoscaler's to set");
        }
    }

    private void checkPolicies() {
        boolean deniesByDefault = false;
        for (ObjectNode policy : all("NetworkPolicy")) {
            JsonNode selector = policy.at("/spec/podSelector");
            List<ObjectNode> selected = podsOf(policy, selector);
            boolean everything =
                    selector.isEmpty() && policy.at("/spec/policyTypes").size() == 2;
            deniesByDefault |= everything
                    && !policy.path("spec").has("ingress")
                    && !policy.path("spec").has("egress");
            for (JsonNode rule : policy.at("/spec/ingress")) {
                rule.path("from").forEach(peer -> checkPeer(policy, peer));
                for (JsonNode port : rule.path("ports")) {
                    selected.forEach(workload -> require(
                            hasPort(workload, port.path("port")),
                            policy,
                            "lets in to a port that is not there: " + port.path("port")));
                }
            }
            for (JsonNode rule : policy.at("/spec/egress")) {
                rule.path("to").forEach(peer -> checkPeer(policy, peer));
            }
        }
        if (!deniesByDefault) {
            complaints.add("there is no NetworkPolicy that denies all by default");
        }
    }

    private void checkPeer(ObjectNode policy, JsonNode peer) {
        if (peer.has("podSelector") && !peer.has("namespaceSelector")) {
            podsOf(policy, peer.path("podSelector"));
        }
    }

    private void checkMonitor(ObjectNode monitor) {
        for (ObjectNode workload : podsOf(monitor, monitor.at("/spec/selector"))) {
            String job = monitor.at("/spec/jobLabel").asString("");
            require(labels(workload).has(job), monitor, "jobLabel is no label of the pods: " + job);
            for (JsonNode endpoint : monitor.at("/spec/podMetricsEndpoints")) {
                JsonNode port = endpoint.path("port");
                require(hasPort(workload, port), monitor, "reads a port that is not there: " + port);
                boolean letIn = all("NetworkPolicy").stream()
                        .filter(policy -> Manifest.selects(policy.at("/spec/podSelector"), labels(workload)))
                        .flatMap(policy -> policy.at("/spec/ingress").valueStream())
                        .flatMap(rule -> rule.path("ports").valueStream())
                        .anyMatch(each -> each.path("port").equals(port));
                require(letIn, monitor, "no NetworkPolicy lets anybody in to " + port);
            }
        }
    }

    private void checkRunbooks(ObjectNode rules) {
        for (JsonNode group : rules.at("/spec/groups")) {
            for (JsonNode rule : group.path("rules")) {
                String runbook = rule.at("/annotations/runbook_url").asString("");
                require(
                        !rule.has("alert") || Files.isRegularFile(Path.of(runbook)),
                        rules,
                        rule.path("alert") + " has no runbook: " + runbook);
            }
        }
    }

    private void checkTally() {
        ObjectNode tally = find("Deployment", NAMESPACE);
        if (tally == null) {
            complaints.add("there is no Deployment of Tally");
            return;
        }
        Instance instance = Instance.in(variables(tally));
        checkProcessors(tally);
        checkStart(tally, instance);
        checkStop(tally, instance);
        checkDatabase(tally, instance);
    }

    /** The variables of its only container; of a secret that is not here, any text. */
    private Map<String, String> variables(ObjectNode workload) {
        JsonNode container = Manifest.containers(workload).getFirst();
        Map<String, String> variables = new HashMap<>();
        for (JsonNode source : container.path("envFrom")) {
            ObjectNode map = find("ConfigMap", source.at("/configMapRef/name").asString(""));
            if (map != null) {
                map.path("data")
                        .properties()
                        .forEach(entry ->
                                variables.put(entry.getKey(), entry.getValue().asString("")));
            }
        }
        for (JsonNode variable : container.path("env")) {
            JsonNode reference = variable.at("/valueFrom/secretKeyRef");
            variables.put(
                    variable.path("name").asString(""),
                    variable.has("value") ? variable.path("value").asString("") : secret(reference));
        }
        return variables;
    }

    private String secret(JsonNode reference) {
        ObjectNode secret = find("Secret", reference.path("name").asString(""));
        if (secret == null) {
            return "postgresql://not-here";
        }
        String data =
                secret.path("data").path(reference.path("key").asString("")).asString("");
        return new String(Base64.getDecoder().decode(data), StandardCharsets.UTF_8);
    }

    /** Or it would have as many event loops as the node has processors. */
    private void checkProcessors(ObjectNode tally) {
        boolean limited =
                Manifest.containers(tally).getFirst().at("/resources/limits").has("cpu");
        boolean told = variables(tally).getOrDefault("JDK_JAVA_OPTIONS", "").contains("-XX:ActiveProcessorCount=");
        require(limited || told, tally, "takes all processors of its node for its own");
    }

    private void checkStart(ObjectNode tally, Instance instance) {
        JsonNode probe = Manifest.containers(tally).getFirst().path("startupProbe");
        Duration start = Duration.ofSeconds(probe.path("periodSeconds").asLong(10)
                * probe.path("failureThreshold").asLong(3));
        Duration needed = instance.waitForDatabaseMax().plus(MIGRATION_MAX);
        require(start.compareTo(needed) >= 0, tally, "startupProbe allows " + start + " and a start takes " + needed);
        Duration ready = start.plusSeconds(tally.at("/spec/minReadySeconds").asLong(0));
        Duration progress =
                Duration.ofSeconds(tally.at("/spec/progressDeadlineSeconds").asLong(600));
        require(progress.compareTo(ready) > 0, tally, "progressDeadlineSeconds is not longer than a start: " + ready);
    }

    private void checkStop(ObjectNode tally, Instance instance) {
        Duration grace = grace(tally);
        JsonNode wait = Manifest.containers(tally).getFirst().at("/lifecycle/preStop/sleep/seconds");
        require(wait.asLong(0) > 0, tally, "stops before proxies know");
        Duration needed = instance.stopMax().plusSeconds(wait.asLong(0)).plus(MARGIN);
        require(
                grace.compareTo(needed) >= 0,
                tally,
                "terminationGracePeriodSeconds is " + grace + " and a stop takes " + needed);
    }

    private static Duration grace(ObjectNode workload) {
        return Duration.ofSeconds(
                Manifest.pod(workload).at("/spec/terminationGracePeriodSeconds").asLong(30));
    }

    private void checkDatabase(ObjectNode tally, Instance instance) {
        URI url = URI.create(instance.database().url());
        String host = Objects.requireNonNullElse(url.getHost(), "");
        ObjectNode cluster = all("Cluster").stream()
                .filter(each -> host.equals(Manifest.name(each) + "-rw"))
                .findFirst()
                .orElse(null);
        if (cluster != null) {
            String most =
                    cluster.at("/spec/postgresql/parameters/max_connections").asString("");
            checkWay(tally, labelsOf(cluster), url.getPort());
            checkConnections(tally, instance, cluster, most);
            String owner = cluster.at("/spec/bootstrap/initdb/database").asString("");
            require(url.getPath().equals("/" + owner), cluster, "has not the database " + url.getPath());
            require(
                    String.valueOf(url.getQuery()).contains("sslmode=verify-full"),
                    tally,
                    "does not check its database");
            checkCertificate(tally, url);
            return;
        }
        ObjectNode service = find("Service", host);
        require(service != null, tally, "there is no database at " + host);
        if (service != null) {
            for (ObjectNode database : workloads()) {
                if (Manifest.matches(service.at("/spec/selector"), labels(database))) {
                    checkWay(tally, labels(database), url.getPort());
                    checkConnections(tally, instance, database, argument(database, "max_connections="));
                }
            }
        }
    }

    private static String argument(ObjectNode workload, String name) {
        return Manifest.containers(workload)
                .getFirst()
                .path("args")
                .valueStream()
                .map(argument -> argument.asString(""))
                .filter(argument -> argument.startsWith(name))
                .map(argument -> argument.substring(name.length()))
                .findFirst()
                .orElse("");
    }

    private void checkCertificate(ObjectNode tally, URI url) {
        boolean mounted = Manifest.containers(tally)
                .getFirst()
                .path("volumeMounts")
                .valueStream()
                .anyMatch(mount -> String.valueOf(url.getQuery())
                        .contains("sslrootcert=" + mount.path("mountPath").asString("") + "/ca.crt"));
        require(mounted, tally, "has no certificate to check its database by");
    }

    /** Policies let Tally out to its database, to nothing else at that port, and let it in there. */
    private void checkWay(ObjectNode tally, JsonNode database, int port) {
        List<JsonNode> out = rules("egress", labels(tally), port);
        boolean narrow = !out.isEmpty()
                && out.stream()
                        .allMatch(rule -> rule.path("to").size() == 1
                                && Manifest.selects(rule.at("/to/0/podSelector"), database));
        require(narrow, tally, "no NetworkPolicy lets it out to its database, and to nothing else at " + port);
        boolean in = rules("ingress", database, port).stream()
                .flatMap(rule -> rule.path("from").valueStream())
                .anyMatch(peer ->
                        !peer.has("namespaceSelector") && Manifest.selects(peer.path("podSelector"), labels(tally)));
        require(in, tally, "no NetworkPolicy lets it in to its database at " + port);
    }

    /** The rules for these pods that name a port. */
    private List<JsonNode> rules(String direction, JsonNode labels, int port) {
        return all("NetworkPolicy").stream()
                .filter(policy -> Manifest.selects(policy.at("/spec/podSelector"), labels))
                .flatMap(policy -> policy.path("spec").path(direction).valueStream())
                .filter(rule -> rule.path("ports").valueStream().anyMatch(each -> names(each.path("port"), port)))
                .toList();
    }

    private static boolean names(JsonNode policyPort, int port) {
        return policyPort.isString() ? policyPort.asString("").equals("postgresql") : policyPort.asInt() == port;
    }

    private void checkConnections(ObjectNode tally, Instance instance, ObjectNode database, String most) {
        int connectionsMax = most.isEmpty() ? CONNECTIONS_DEFAULT : Integer.parseInt(most);
        int instances = all("HorizontalPodAutoscaler").stream()
                .map(autoscaler -> autoscaler.at("/spec/maxReplicas").asInt(1))
                .findFirst()
                .orElse(tally.at("/spec/replicas").asInt(1));
        int surge = tally.at("/spec/strategy/rollingUpdate/maxSurge").asInt(instances);
        // The next instance stops only after a new one has been ready for so long; nothing else bounds how many stop at
        // once.
        long pause = Math.max(1, tally.at("/spec/minReadySeconds").asLong(0));
        long stopping = Math.ceilDiv(grace(tally).toSeconds(), pause);
        long needed = (instances + surge + stopping) * instance.connectionsMax() + CONNECTIONS_RESERVED;
        require(
                needed <= connectionsMax,
                database,
                "max_connections is %d and (%d + %d + %d) instances may want %d"
                        .formatted(connectionsMax, instances, surge, stopping, needed));
    }
}
