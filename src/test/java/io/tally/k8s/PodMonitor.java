package io.tally.k8s;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.kubernetes.client.openapi.models.V1LabelSelector;
import io.kubernetes.client.openapi.models.V1ObjectMeta;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** Prometheus Operator: which pods are read. */
record PodMonitor(
        @JsonProperty(required = true) String apiVersion,
        @JsonProperty(required = true) String kind,
        @JsonProperty(required = true) JsonNode metadata,
        @JsonProperty(required = true) Spec spec) {

    PodMonitor {
        Types.requireTyped(metadata, V1ObjectMeta.class);
    }

    record Spec(
            @Nullable String jobLabel,
            @Nullable List<String> podTargetLabels,
            @JsonProperty(required = true) List<Endpoint> podMetricsEndpoints,
            @JsonProperty(required = true) JsonNode selector,
            @Nullable NamespaceSelector namespaceSelector,
            @Nullable Long sampleLimit) {

        Spec {
            Types.requireTyped(selector, V1LabelSelector.class);
        }
    }

    record NamespaceSelector(
            @Nullable Boolean any, @Nullable List<String> matchNames) {}

    record Endpoint(
            @JsonProperty(required = true) String port,
            @Nullable String path,
            @Nullable String scheme,
            @Nullable String interval,
            @Nullable String scrapeTimeout,
            @Nullable Boolean honorLabels,
            @Nullable Boolean filterRunning,
            @Nullable List<Relabeling> relabelings,
            @Nullable List<Relabeling> metricRelabelings) {}

    record Relabeling(
            @Nullable List<String> sourceLabels,
            @Nullable String separator,
            @Nullable String regex,
            @Nullable String replacement,
            @Nullable String targetLabel,
            @Nullable String action) {}
}
