package io.tally.k8s;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * As much of a kustomization file as this project uses. Anything else is refused: {@link Kustomize} would not do it.
 */
record Kustomization(
        @JsonProperty(required = true) String apiVersion,
        @JsonProperty(required = true) String kind,
        @Nullable String namespace,
        @Nullable List<String> resources,
        @Nullable List<String> components,
        @Nullable List<Generator> configMapGenerator,
        @Nullable List<Generator> secretGenerator,
        @Nullable List<Patch> patches,
        @Nullable List<Image> images) {

    /** Generates a ConfigMap or a Secret, with a hash of its content in the name unless the options disable it. */
    record Generator(
            @JsonProperty(required = true) String name,
            @Nullable String namespace,
            @Nullable List<String> literals,
            @Nullable List<String> files,
            @Nullable Options options) {}

    /** What a generated object has besides data. */
    record Options(
            @Nullable Map<String, String> labels,
            @Nullable Map<String, String> annotations,
            @Nullable Boolean disableNameSuffixHash) {}

    /** A strategic merge patch, or the operations of a JSON patch; in a file, or here. */
    record Patch(
            @Nullable String path,
            @Nullable String patch,
            @Nullable Target target) {}

    /** What a patch applies to. */
    record Target(
            @Nullable String group,
            @Nullable String version,
            @Nullable String kind,
            @Nullable String name) {}

    /** What becomes of an image. */
    record Image(
            @JsonProperty(required = true) String name,
            @Nullable String newName,
            @Nullable String newTag,
            @Nullable String digest) {}

    Kustomization {
        String expected =
                kind.equals("Component") ? "kustomize.config.k8s.io/v1alpha1" : "kustomize.config.k8s.io/v1beta1";
        if (!apiVersion.equals(expected) || !(kind.equals("Component") || kind.equals("Kustomization"))) {
            throw new IllegalArgumentException("not a kustomization: " + apiVersion + " " + kind);
        }
    }
}
