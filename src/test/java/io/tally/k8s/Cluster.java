package io.tally.k8s;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.kubernetes.client.openapi.models.V1ObjectMeta;
import io.kubernetes.client.openapi.models.V1ResourceRequirements;
import io.kubernetes.client.openapi.models.V1TopologySpreadConstraint;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** CloudNativePG 1.28 and newer: a PostgreSQL with its replicas. */
record Cluster(
        @JsonProperty(required = true) String apiVersion,
        @JsonProperty(required = true) String kind,
        @JsonProperty(required = true) JsonNode metadata,
        @JsonProperty(required = true) Spec spec) {

    Cluster {
        Types.requireTyped(metadata, V1ObjectMeta.class);
    }

    record Spec(
            @JsonProperty(required = true) int instances,
            @JsonProperty(required = true) String imageName,
            @JsonProperty(required = true) Postgresql postgresql,
            @JsonProperty(required = true) Bootstrap bootstrap,
            @Nullable Integer smartShutdownTimeout,
            @JsonProperty(required = true) Storage storage,
            @Nullable Storage walStorage,
            @JsonProperty(required = true) JsonNode resources,
            @Nullable Affinity affinity,
            @Nullable List<JsonNode> topologySpreadConstraints) {

        Spec {
            Types.requireTyped(resources, V1ResourceRequirements.class);
            if (topologySpreadConstraints != null) {
                topologySpreadConstraints.forEach(each -> Types.requireTyped(each, V1TopologySpreadConstraint.class));
            }
        }
    }

    record Postgresql(
            @Nullable Map<String, String> parameters,
            @Nullable Synchronous synchronous) {}

    record Synchronous(
            @JsonProperty(required = true) Method method,
            @JsonProperty(required = true) int number,
            @Nullable DataDurability dataDurability,
            @Nullable Boolean failoverQuorum) {}

    enum Method {
        any,
        first
    }

    enum DataDurability {
        required,
        preferred
    }

    record Bootstrap(@JsonProperty(required = true) InitDb initdb) {}

    record InitDb(
            @Nullable String database,
            @Nullable String owner,
            @Nullable Boolean dataChecksums,
            @Nullable List<String> postInitApplicationSQL) {}

    record Storage(@Nullable String size, @Nullable String storageClass) {}

    record Affinity(
            @Nullable Boolean enablePodAntiAffinity,
            @Nullable PodAntiAffinityType podAntiAffinityType,
            @Nullable String topologyKey) {}

    enum PodAntiAffinityType {
        required,
        preferred
    }
}
