/**
 * Whether the manifests under {@code k8s/} are what Kubernetes and the operators take, and fit each other and the code.
 */
@org.jspecify.annotations.NullMarked
package io.tally.k8s;
