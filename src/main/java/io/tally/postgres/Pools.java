package io.tally.postgres;

import io.tally.shard.PerShard;
import org.springframework.beans.factory.DisposableBean;

/**
 * The pools of each shard.
 *
 * @param counters only for reads of counters, which send one statement at a time, so that no other statement delays
 *     them
 * @param features for everything else
 */
record Pools(PerShard<Pool> counters, PerShard<Pool> features) implements DisposableBean {

    static Pools of(PerShard<SessionConnections> connections, DatabaseProperties properties) {
        return new Pools(
                connections.map(shard -> new Pool(shard, properties, 1)),
                connections.map(shard -> new Pool(shard, properties, properties.readConnectionsMax() - 1)));
    }

    @Override
    public void destroy() {
        counters.all().forEach(Pool::dispose);
        features.all().forEach(Pool::dispose);
    }
}
