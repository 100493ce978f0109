package io.tally.k8s;

import io.tally.lab.LabProperties;
import io.tally.pipeline.PipelineProperties;
import io.tally.postgres.DatabaseProperties;
import io.tally.shard.Sharding;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.env.YamlPropertySourceLoader;
import org.springframework.core.env.MutablePropertySources;
import org.springframework.core.env.StandardEnvironment;
import org.springframework.core.env.SystemEnvironmentPropertySource;
import org.springframework.core.io.ClassPathResource;
import org.springframework.core.io.Resource;

/** An instance of Tally as its own settings have it, under the environment variables of a container. */
final class Instance {

    /**
     * Connections for a shard besides those of lanes and reads, each opened when it is wanted: one compares the books,
     * and one orders large namespaces.
     */
    private static final int CONNECTIONS_BESIDE = 1 + 1;

    /** Connections of the only snapshot that an instance takes at a time. */
    private static final int CONNECTIONS_OF_SNAPSHOT = 2;

    private final Binder settings;

    private Instance(Binder settings) {
        this.settings = settings;
    }

    /** An instance in a container with these variables. */
    static Instance in(Map<String, String> variables) {
        StandardEnvironment environment = new StandardEnvironment();
        MutablePropertySources sources = environment.getPropertySources();
        sources.remove(StandardEnvironment.SYSTEM_PROPERTIES_PROPERTY_SOURCE_NAME);
        sources.replace(
                StandardEnvironment.SYSTEM_ENVIRONMENT_PROPERTY_SOURCE_NAME,
                new SystemEnvironmentPropertySource(
                        StandardEnvironment.SYSTEM_ENVIRONMENT_PROPERTY_SOURCE_NAME, new HashMap<>(variables)));
        String profile = variables.getOrDefault("SPRING_PROFILES_ACTIVE", "");
        for (String file : List.of("application-" + profile + ".yml", "application.yml")) {
            load(sources, file);
        }
        return new Instance(Binder.get(environment));
    }

    private static void load(MutablePropertySources sources, String file) {
        Resource resource = new ClassPathResource(file);
        if (resource.exists()) {
            try {
                new YamlPropertySourceLoader().load(file, resource).forEach(sources::addLast);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    /** The most connections it has to the database at a time, a run of the lab included where there is one. */
    int connectionsMax() {
        int lanes = settings.bindOrCreate("tally.pipeline", PipelineProperties.class)
                .lanes(sharding().count());
        int lab = settings.bind("tally.lab.enabled", Boolean.class).orElse(false)
                ? settings.bindOrCreate("tally.lab", LabProperties.class).workersMax()
                : 0;
        int ofShard = lanes + database().readConnectionsMax() + CONNECTIONS_BESIDE;
        return sharding().count() * ofShard + CONNECTIONS_OF_SNAPSHOT + lab;
    }

    /** Its shards. */
    Sharding sharding() {
        return settings.bindOrCreate("tally.shards", Sharding.class);
    }

    /** How many instances share the rate limit of an access key, as it has it. */
    int instances() {
        return settings.bind("tally.access.instances", Integer.class).orElse(1);
    }

    /** Where its database is. */
    DatabaseProperties database() {
        return settings.bind("tally.database", DatabaseProperties.class).get();
    }

    /**
     * The longest it takes to stop: connections get their last answers, then lanes become empty. No other phase takes
     * long.
     */
    Duration stopMax() {
        return settings.bind("spring.lifecycle.timeout-per-shutdown-phase", Duration.class)
                .get()
                .multipliedBy(2);
    }

    /** How long it waits at its start for a database that is not there. */
    Duration waitForDatabaseMax() {
        return settings.bind("tally.database.start-wait-max", Duration.class).get();
    }
}
