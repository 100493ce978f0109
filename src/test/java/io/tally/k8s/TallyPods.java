package io.tally.k8s;

import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * How the pods of Tally fit its own settings and its database: time to start and to stop, connections, and the way
 * there.
 */
final class TallyPods {

    /** What else happens while an instance starts and stops. */
    private static final Duration MARGIN = Duration.ofSeconds(5);

    /** The longest migration that a start has time for, besides the wait for the database. */
    private static final Duration MIGRATION_MAX = Duration.ofMinutes(5);

    /** Connections for the operator, superusers and people. */
    private static final int CONNECTIONS_RESERVED = 20;

    /** The annotation with {@code max_connections} of a database that an overlay does not have. */
    private static final String CONNECTIONS_ANNOTATION = "/metadata/annotations/database-max-connections";

    /** The default of PostgreSQL. */
    private static final int CONNECTIONS_DEFAULT = 100;

    private final Rendering rendering;

    private TallyPods(Rendering rendering) {
        this.rendering = rendering;
    }

    static void check(Rendering rendering) {
        new TallyPods(rendering).checkTally();
    }

    private void checkTally() {
        ObjectNode tally = rendering.find("Deployment", Rendering.NAMESPACE);
        if (tally == null) {
            rendering.complain("there is no Deployment of Tally");
            return;
        }
        Instance instance = Instance.in(variables(tally));
        checkProcessors(tally);
        checkStart(tally, instance);
        checkStop(tally, instance);
        checkDatabase(tally, instance);
        rendering.require(
                instance.instances() == instances(tally),
                tally,
                "%d instances share the rate limits, and there may be %d"
                        .formatted(instance.instances(), instances(tally)));
    }

    /** The most instances at a time, updates aside. */
    private int instances(ObjectNode tally) {
        return rendering.all("HorizontalPodAutoscaler").stream()
                .map(autoscaler -> autoscaler.at("/spec/maxReplicas").asInt(1))
                .findFirst()
                .orElse(tally.at("/spec/replicas").asInt(1));
    }

    /** The variables of its only container; of a secret that is not here, any text. */
    private Map<String, String> variables(ObjectNode workload) {
        JsonNode container = Manifest.containers(workload).getFirst();
        Map<String, String> variables = new HashMap<>();
        for (JsonNode source : container.path("envFrom")) {
            ObjectNode map =
                    rendering.find("ConfigMap", source.at("/configMapRef/name").asString(""));
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
        ObjectNode secret = rendering.find("Secret", reference.path("name").asString(""));
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
        rendering.require(limited || told, tally, "takes all processors of its node for its own");
    }

    private void checkStart(ObjectNode tally, Instance instance) {
        JsonNode probe = Manifest.containers(tally).getFirst().path("startupProbe");
        Duration start = Duration.ofSeconds(probe.path("periodSeconds").asLong(10)
                * probe.path("failureThreshold").asLong(3));
        Duration needed = instance.waitForDatabaseMax().plus(MIGRATION_MAX);
        rendering.require(
                start.compareTo(needed) >= 0, tally, "startupProbe allows " + start + " and a start takes " + needed);
        Duration ready = start.plusSeconds(tally.at("/spec/minReadySeconds").asLong(0));
        Duration progress =
                Duration.ofSeconds(tally.at("/spec/progressDeadlineSeconds").asLong(600));
        rendering.require(
                progress.compareTo(ready) > 0, tally, "progressDeadlineSeconds is not longer than a start: " + ready);
    }

    private void checkStop(ObjectNode tally, Instance instance) {
        Duration grace = grace(tally);
        JsonNode wait = Manifest.containers(tally).getFirst().at("/lifecycle/preStop/sleep/seconds");
        rendering.require(wait.asLong(0) > 0, tally, "stops before proxies know");
        Duration needed = instance.stopMax().plusSeconds(wait.asLong(0)).plus(MARGIN);
        rendering.require(
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
        ObjectNode cluster = rendering.all("Cluster").stream()
                .filter(each -> host.equals(Manifest.name(each) + "-rw"))
                .findFirst()
                .orElse(null);
        if (cluster != null) {
            String most =
                    cluster.at("/spec/postgresql/parameters/max_connections").asString("");
            checkWay(tally, Rendering.labelsOf(cluster), url.getPort());
            checkConnections(tally, instance, cluster, most);
            String owner = cluster.at("/spec/bootstrap/initdb/database").asString("");
            rendering.require(url.getPath().equals("/" + owner), cluster, "has not the database " + url.getPath());
            checkCertificate(tally, url);
            return;
        }
        if (host.contains(".")) {
            checkOutside(tally, instance, url);
            return;
        }
        ObjectNode service = rendering.find("Service", host);
        rendering.require(service != null, tally, "there is no database at " + host);
        if (service != null) {
            for (ObjectNode database : rendering.workloads()) {
                if (Manifest.matches(service.at("/spec/selector"), Rendering.labels(database))) {
                    checkWay(tally, Rendering.labels(database), url.getPort());
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

    /** A database that runs elsewhere: Citus, which has several shards. */
    private void checkOutside(ObjectNode tally, Instance instance, URI url) {
        checkCertificate(tally, url);
        checkConnections(
                tally, instance, tally, tally.at(CONNECTIONS_ANNOTATION).asString(""));
        rendering.require(instance.sharding().count() > 1, tally, "has one shard, which no cluster spreads");
        List<JsonNode> out = rules("egress", Rendering.labels(tally), url.getPort());
        boolean narrow = !out.isEmpty()
                && out.stream()
                        .allMatch(rule -> rule.path("to").size() == 1
                                && rule.at("/to/0/ipBlock/cidr").asString("").endsWith("/32"));
        rendering.require(narrow, tally, "no NetworkPolicy lets it out to one address at " + url.getPort());
    }

    private void checkCertificate(ObjectNode tally, URI url) {
        rendering.require(
                String.valueOf(url.getQuery()).contains("sslmode=verify-full"), tally, "does not check its database");
        boolean mounted = Manifest.containers(tally)
                .getFirst()
                .path("volumeMounts")
                .valueStream()
                .anyMatch(mount -> String.valueOf(url.getQuery())
                        .contains("sslrootcert=" + mount.path("mountPath").asString("") + "/ca.crt"));
        rendering.require(mounted, tally, "has no certificate to check its database by");
    }

    /** Policies let Tally out to its database, to nothing else at that port, and let it in there. */
    private void checkWay(ObjectNode tally, JsonNode database, int port) {
        List<JsonNode> out = rules("egress", Rendering.labels(tally), port);
        boolean narrow = !out.isEmpty()
                && out.stream()
                        .allMatch(rule -> rule.path("to").size() == 1
                                && Manifest.selects(rule.at("/to/0/podSelector"), database));
        rendering.require(
                narrow, tally, "no NetworkPolicy lets it out to its database, and to nothing else at " + port);
        boolean in = rules("ingress", database, port).stream()
                .flatMap(rule -> rule.path("from").valueStream())
                .anyMatch(peer -> !peer.has("namespaceSelector")
                        && Manifest.selects(peer.path("podSelector"), Rendering.labels(tally)));
        rendering.require(in, tally, "no NetworkPolicy lets it in to its database at " + port);
    }

    /** The rules for these pods that name a port. */
    private List<JsonNode> rules(String direction, JsonNode labels, int port) {
        return rendering.all("NetworkPolicy").stream()
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
        int instances = instances(tally);
        int surge = tally.at("/spec/strategy/rollingUpdate/maxSurge").asInt(instances);
        // The next instance stops only after a new one has been ready for so long; nothing else bounds how many stop at
        // once.
        long pause = Math.max(1, tally.at("/spec/minReadySeconds").asLong(0));
        long stopping = Math.ceilDiv(grace(tally).toSeconds(), pause);
        long needed = (instances + surge + stopping) * instance.connectionsMax() + CONNECTIONS_RESERVED;
        rendering.require(
                needed <= connectionsMax,
                database,
                "max_connections is %d and (%d + %d + %d) instances may want %d"
                        .formatted(connectionsMax, instances, surge, stopping, needed));
    }
}
