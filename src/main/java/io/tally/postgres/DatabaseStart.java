package io.tally.postgres;

import io.tally.StartupException;
import io.tally.shard.PerShard;
import java.time.Duration;
import java.util.Objects;
import java.util.function.Supplier;
import org.flywaydb.core.Flyway;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Mono;

/**
 * The start on a database: waits for it, migrates it, and checks that the sessions of the service can work on it.
 *
 * <p>Retries transient failures each second, up to a limit: a database that is unavailable, starting, a replica, or
 * without a free connection. All other failures refuse the start at once. The service does not listen before the proof.
 * Blocks only the thread of the start; a signal ends the process meanwhile.
 */
final class DatabaseStart {

    private static final Logger log = LoggerFactory.getLogger(DatabaseStart.class);

    private static final Duration PAUSE = Duration.ofSeconds(1);
    private static final Duration REMINDER_INTERVAL = Duration.ofSeconds(30);

    private final Supplier<LaneConnection> plain;
    private final PerShard<Supplier<LaneConnection>> shards;
    private final ShardSchemas schemas;
    private final ShardLayout layout;
    private final DatabaseProof proof;
    private final ConnectionNeeds needs;
    private final Duration waitMax;

    /**
     * A start.
     *
     * @param plain opens a session with the search path of the URL or of the user
     * @param shards opens a session of a shard
     */
    DatabaseStart(
            Supplier<LaneConnection> plain,
            PerShard<Supplier<LaneConnection>> shards,
            ShardSchemas schemas,
            DatabaseProof proof,
            ConnectionNeeds needs,
            Duration waitMax) {
        this.plain = plain;
        this.shards = shards;
        this.schemas = schemas;
        this.layout = new ShardLayout(schemas);
        this.proof = proof;
        this.needs = needs;
        this.waitMax = waitMax;
    }

    /**
     * Returns when the database is ready for the service.
     *
     * @param flyway null if the operator migrates
     * @throws StartupException if the database refuses, cannot be used, or is not ready in time
     */
    void run(@Nullable Flyway flyway) {
        Waiting waiting = new Waiting();
        boolean ready = false;
        while (!ready) {
            try {
                attempt(flyway);
                ready = true;
            } catch (StartupException refusal) {
                throw refusal;
            } catch (RuntimeException failure) {
                waiting.requireMore(failure);
                Mono.delay(PAUSE).block();
            }
        }
        waiting.end();
    }

    private void attempt(@Nullable Flyway flyway) {
        try (Session session = new Session(plain.get())) {
            String searched = prove(session.connection());
            proof.requireConnections(session.connection(), needs).block();
            proof.noteCitus(session.connection()).block();
            layout.begin(session.connection()).block();
            if (flyway != null) {
                for (int i = 0; i < shards.all().size(); i++) {
                    migrate(flyway, schemas.of(i), searched);
                }
            }
            proof.requireUsage(session.connection(), schemas).block();
            for (int i = 0; i < shards.all().size(); i++) {
                prove(i);
            }
            layout.end(session.connection()).block();
        }
    }

    /** Checks two sessions at a time, which reveals a pooler. Returns the first schema of their search path. */
    private String prove(LaneConnection session) {
        try (Session other = new Session(plain.get())) {
            return Objects.requireNonNull(
                    proof.requireSessions(session, other.connection()).block());
        }
    }

    /** @param schema {@code null} for the one that Flyway is configured with */
    private static void migrate(Flyway flyway, @Nullable String schema, String searched) {
        if (schema == null) {
            MigrationTarget target = MigrationTarget.of(flyway.getConfiguration(), null);
            target.requireSchema(searched);
            target.requireRights();
            flyway.migrate();
        } else {
            MigrationTarget.requireNoSchema(flyway.getConfiguration());
            MigrationTarget.of(flyway.getConfiguration(), schema).requireRights();
            Flyway.configure()
                    .configuration(flyway.getConfiguration())
                    .schemas(schema)
                    .defaultSchema(schema)
                    .load()
                    .migrate();
        }
    }

    /** Checks and records a shard. */
    private void prove(int index) {
        try (Session session = new Session(shards.at(index).get())) {
            proof.requireTables(session.connection()).block();
            layout.record(session.connection(), index).block();
        }
    }

    /** A session of the start, which closes its connection. */
    private record Session(LaneConnection connection) implements AutoCloseable {
        @Override
        public void close() {
            connection.close().block();
        }
    }

    /** The time and the reason of the wait. */
    private final class Waiting {

        private final long begunNanos = System.nanoTime();
        private long loggedNanos = begunNanos;
        private String reason = "";

        /** Logs each reason once, and then repeats it at intervals. */
        void requireMore(RuntimeException failure) {
            String found = StartFailures.text(failure);
            if (StartFailures.isPermanent(failure)) {
                throw StartFailures.refusal(failure);
            }
            Duration waited = since(begunNanos);
            if (waited.plus(PAUSE).compareTo(waitMax) > 0) {
                throw StartFailures.timeout(failure, waitMax);
            }
            if (!found.equals(reason)) {
                log.warn(
                        "The database is not ready. The start waits for it, up to {} s: {}",
                        waitMax.toSeconds(),
                        found);
            } else if (since(loggedNanos).compareTo(REMINDER_INTERVAL) >= 0) {
                log.warn("The database is not ready after {} s: {}", waited.toSeconds(), found);
            } else {
                return;
            }
            reason = found;
            loggedNanos = System.nanoTime();
        }

        void end() {
            if (!reason.isEmpty()) {
                log.info("The database is ready after {} s", since(begunNanos).toSeconds());
            }
        }

        private static Duration since(long nanos) {
            return Duration.ofNanos(System.nanoTime() - nanos);
        }
    }
}
