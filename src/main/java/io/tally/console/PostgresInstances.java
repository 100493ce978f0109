package io.tally.console;

import io.r2dbc.spi.Connection;
import io.tally.postgres.CounterRows;
import io.tally.postgres.Pool;
import io.tally.postgres.Statements;
import io.tally.shard.PerShard;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** The instances in PostgreSQL, from the rows of their writers in all shards. */
final class PostgresInstances implements Instances {

    /** $1 the maximum age in milliseconds. */
    private static final String NAMES = """
            select distinct instance from writer where id <> 0 and seen_at > now() - $1 * interval '1 millisecond'
            """;

    /** The maximum of shards that one request reads at the same time. */
    private static final int SHARDS_MAX = 4;

    private final PerShard<Pool> pools;
    private final Duration ageMax;

    PostgresInstances(PerShard<Pool> pools, Duration ageMax) {
        this.pools = pools;
        this.ageMax = ageMax;
    }

    @Override
    public Mono<Set<String>> names() {
        return Flux.fromIterable(pools.all())
                .flatMap(pool -> pool.read(this::names), SHARDS_MAX)
                .flatMapIterable(names -> names)
                .collect(Collectors.toSet());
    }

    private Mono<List<String>> names(Connection connection) {
        return Statements.all(
                connection.createStatement(NAMES).bind("$1", ageMax.toMillis()),
                row -> CounterRows.text(row, "instance"));
    }
}
