package io.tally.k8s;

import com.google.gson.JsonParser;
import io.kubernetes.client.openapi.JSON;
import io.kubernetes.client.openapi.models.V1ConfigMap;
import io.kubernetes.client.openapi.models.V1Deployment;
import io.kubernetes.client.openapi.models.V1Namespace;
import io.kubernetes.client.openapi.models.V1NetworkPolicy;
import io.kubernetes.client.openapi.models.V1PodDisruptionBudget;
import io.kubernetes.client.openapi.models.V1Secret;
import io.kubernetes.client.openapi.models.V1Service;
import io.kubernetes.client.openapi.models.V1ServiceAccount;
import io.kubernetes.client.openapi.models.V1StatefulSet;
import io.kubernetes.client.openapi.models.V2HorizontalPodAutoscaler;
import java.util.Map;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The type of each kind. Those of Kubernetes are its own, generated from its API; those of operators, for which there
 * are none or none that are kept up, are written here from their documentation, with the fields this project uses and
 * no others.
 *
 * <p>What a type does not say is not checked: which text a field takes, beyond the closed sets, and how fields of one
 * object relate. An API server checks that, too.
 */
final class Types {

    private static final JsonMapper TREES = new JsonMapper();

    private static final Map<String, Class<?>> OF_KUBERNETES = Map.ofEntries(
            Map.entry("v1/ConfigMap", V1ConfigMap.class),
            Map.entry("v1/Namespace", V1Namespace.class),
            Map.entry("v1/Secret", V1Secret.class),
            Map.entry("v1/Service", V1Service.class),
            Map.entry("v1/ServiceAccount", V1ServiceAccount.class),
            Map.entry("apps/v1/Deployment", V1Deployment.class),
            Map.entry("apps/v1/StatefulSet", V1StatefulSet.class),
            Map.entry("autoscaling/v2/HorizontalPodAutoscaler", V2HorizontalPodAutoscaler.class),
            Map.entry("networking.k8s.io/v1/NetworkPolicy", V1NetworkPolicy.class),
            Map.entry("policy/v1/PodDisruptionBudget", V1PodDisruptionBudget.class));

    private static final Map<String, Class<?>> OF_OPERATORS = Map.of(
            "postgresql.cnpg.io/v1/Cluster", Cluster.class,
            "monitoring.coreos.com/v1/PodMonitor", PodMonitor.class,
            "monitoring.coreos.com/v1/PrometheusRule", PrometheusRule.class);

    private Types() {}

    /** @throws IllegalArgumentException where the object is not what its kind demands */
    static void require(JsonNode object) {
        String kind = object.path("apiVersion").asString("") + "/"
                + object.path("kind").asString("");
        try {
            if (OF_OPERATORS.containsKey(kind)) {
                Strict.read(object, OF_OPERATORS.get(kind));
            } else if (OF_KUBERNETES.containsKey(kind)) {
                requireTyped(object, OF_KUBERNETES.get(kind));
            } else {
                throw new IllegalArgumentException("a kind that is not known here: " + kind);
            }
        } catch (RuntimeException e) {
            throw new IllegalArgumentException(Manifest.describe(object) + ": " + e.getMessage(), e);
        }
    }

    /**
     * Reads it into the type, which refuses fields that are unknown or missing, and writes it again: what comes back
     * differs where a value was of another type, such as a number for a text.
     */
    static void requireTyped(JsonNode tree, Class<?> type) {
        Object typed = JSON.getGson().fromJson(JsonParser.parseString(tree.toString()), type);
        requireKept("", tree, TREES.readTree(JSON.getGson().toJson(typed)));
    }

    private static void requireKept(String path, JsonNode written, JsonNode back) {
        if (written.isObject() && back.isObject()) {
            written.properties()
                    .forEach(property -> requireKept(
                            path + "/" + property.getKey(), property.getValue(), back.path(property.getKey())));
        } else if (written.isArray() && back.isArray() && written.size() == back.size()) {
            for (int i = 0; i < written.size(); i++) {
                requireKept(path + "/" + i, written.get(i), back.get(i));
            }
        } else if (!written.equals(back)) {
            throw new IllegalArgumentException(path + " is " + written + " and is read as " + back);
        }
    }
}
