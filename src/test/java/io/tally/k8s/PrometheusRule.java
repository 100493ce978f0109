package io.tally.k8s;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.kubernetes.client.openapi.models.V1ObjectMeta;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** Prometheus Operator: recording and alerting rules. */
record PrometheusRule(
        @JsonProperty(required = true) String apiVersion,
        @JsonProperty(required = true) String kind,
        @JsonProperty(required = true) JsonNode metadata,
        @JsonProperty(required = true) Spec spec) {

    PrometheusRule {
        Types.requireTyped(metadata, V1ObjectMeta.class);
    }

    record Spec(@JsonProperty(required = true) List<Group> groups) {}

    record Group(
            @JsonProperty(required = true) String name,
            @Nullable String interval,
            @Nullable Map<String, String> labels,
            @JsonProperty(required = true) List<Rule> rules) {}

    record Rule(
            @Nullable String alert,
            @Nullable String record,
            @JsonProperty(required = true) String expr,
            @JsonProperty("for") @Nullable String pending,
            @JsonProperty("keep_firing_for") @Nullable String keepFiringFor,
            @Nullable Map<String, String> labels,
            @Nullable Map<String, String> annotations) {

        Rule {
            if ((alert == null) == (record == null)) {
                throw new IllegalArgumentException("one of alert and record: " + expr);
            }
        }
    }
}
