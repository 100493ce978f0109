package io.tally.postgres;

/** The name of this instance: the host name, which is the pod in Kubernetes, and the process id. */
public final class InstanceName {

    private InstanceName() {}

    /** The name, as the rows of writers have it. */
    public static String own() {
        return System.getenv().getOrDefault("HOSTNAME", "localhost") + "/"
                + ProcessHandle.current().pid();
    }
}
