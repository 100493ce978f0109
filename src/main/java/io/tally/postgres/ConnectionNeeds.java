package io.tally.postgres;

import io.tally.pipeline.PipelineProperties;
import io.tally.shard.Sharding;

/**
 * The maximum of connections of an instance, without a run of the lab.
 *
 * @param shards the number of shards
 * @param perShard those of each shard: of its lanes, its reads, its audits and its passes over large namespaces
 */
record ConnectionNeeds(int shards, int perShard) {

    private static final int AUDITS = 1;
    private static final int PASSES = 1;

    /** An instance takes one snapshot at a time. */
    private static final int SNAPSHOT = 2;

    static ConnectionNeeds of(Sharding sharding, PipelineProperties pipeline, DatabaseProperties database) {
        return new ConnectionNeeds(
                sharding.count(), pipeline.lanes(sharding.count()) + database.readConnectionsMax() + AUDITS + PASSES);
    }

    int total() {
        return shards * perShard + SNAPSHOT;
    }
}
