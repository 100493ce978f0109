package io.tally.postgres;

import io.r2dbc.postgresql.PostgresqlConnectionFactory;
import java.time.Duration;
import java.util.Map;
import reactor.netty.resources.LoopResources;

/**
 * Makes connections beside the pool, each for one component. Each opens when it is first used. Safe for use by many
 * threads.
 */
public final class DedicatedConnections {

    private final PostgresqlConnectionFactory factory;
    private final DatabaseProperties properties;
    private final LoopResources loops;

    DedicatedConnections(PostgresqlConnectionFactory factory, DatabaseProperties properties, LoopResources loops) {
        this.factory = factory;
        this.properties = properties;
        this.loops = loops;
    }

    /** A connection with the session settings and time-outs of the pool. */
    public LaneConnection create() {
        return new LaneConnection(factory, properties.connectTimeout(), properties.statementTimeout());
    }

    /**
     * A connection for statements that take longer.
     *
     * @param statementMax the longest that a statement may take
     * @param settings of the session, beside those of each session
     */
    public LaneConnection create(Duration statementMax, Map<String, String> settings) {
        Map<String, String> session = Sessions.of(properties, statementMax);
        session.putAll(settings);
        return new LaneConnection(
                Sessions.connections(properties, session, loops), properties.connectTimeout(), statementMax);
    }
}
