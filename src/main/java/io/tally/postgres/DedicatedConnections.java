package io.tally.postgres;

import io.tally.shard.PerShard;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.scheduling.annotation.Scheduled;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.netty.resources.LoopResources;

/**
 * Creates connections outside the pool, each for one component. Each opens when it is first used. Safe for use by many
 * threads.
 */
public final class DedicatedConnections {

    private static final Logger log = LoggerFactory.getLogger(DedicatedConnections.class);

    private static final int PROBE_INTERVAL_MILLIS = 1_000;

    private final PerShard<SessionConnections> sessions;
    private final ShardSchemas schemas;
    private final DatabaseProperties properties;
    private final LoopResources loops;
    private final List<LaneConnection> created = new CopyOnWriteArrayList<>();

    DedicatedConnections(
            PerShard<SessionConnections> sessions,
            ShardSchemas schemas,
            DatabaseProperties properties,
            LoopResources loops) {
        this.sessions = sessions;
        this.schemas = schemas;
        this.properties = properties;
        this.loops = loops;
    }

    /** For each shard, a connection with the session settings and time-outs of the pool. */
    public PerShard<LaneConnection> create() {
        return sessions.map(shard -> added(shard, properties.statementTimeout()));
    }

    /**
     * For each shard, a connection for statements that take longer.
     *
     * @param statementMax the time-out of a statement
     * @param settings additional settings of the session
     */
    public PerShard<LaneConnection> create(Duration statementMax, Map<String, String> settings) {
        Map<String, String> session = Sessions.of(properties, statementMax);
        session.putAll(settings);
        return PerShard.of(
                schemas.sharding(),
                index -> added(Sessions.connections(properties, schemas.of(index), session, loops), statementMax));
    }

    private LaneConnection added(SessionConnections sessions, Duration statementMax) {
        LaneConnection connection = new LaneConnection(sessions, properties.connectTimeout(), statementMax);
        created.add(connection);
        return connection;
    }

    /** Probes silent connections, so that a lost one is replaced before it is used. */
    @Scheduled(fixedRate = PROBE_INTERVAL_MILLIS)
    Mono<Void> probe() {
        return Flux.fromIterable(created)
                .flatMap(
                        connection -> connection.probe().onErrorResume(DedicatedConnections::later), created.size() + 1)
                .then();
    }

    private static Mono<Void> later(Throwable failure) {
        log.warn("Replacing a lost connection failed; its next use opens another: {}", failure.getMessage());
        return Mono.empty();
    }
}
