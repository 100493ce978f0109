package io.tally.namespace;

import io.r2dbc.spi.Row;
import io.tally.pipeline.StoreFailure;
import io.tally.postgres.CounterRows;
import io.tally.postgres.Pool;
import io.tally.postgres.Statements;
import io.tally.shard.PerShard;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** The namespaces in PostgreSQL. A list has those of all shards, so it needs all of them. */
final class PostgresNamespaces implements Namespaces {

    /** The maximum of shards that one request reads at the same time. */
    private static final int SHARDS_MAX = 4;

    private final PerShard<Pool> pools;

    PostgresNamespaces(PerShard<Pool> pools) {
        this.pools = pools;
    }

    @Override
    public Mono<List<String>> names(List<NamespaceRange> ranges, int max) {
        if (ranges.isEmpty()) {
            return Mono.just(List.of());
        }
        String[] low = ranges.stream().map(NamespaceRange::low).toArray(String[]::new);
        String[] high = ranges.stream().map(NamespaceRange::high).toArray(String[]::new);
        return Flux.fromIterable(pools.all())
                .flatMap(pool -> names(pool, low, high, max), SHARDS_MAX)
                .flatMapIterable(names -> names)
                // Names are US-ASCII, so this is the order of their bytes.
                .sort()
                .take(max)
                .collectList();
    }

    private static Mono<List<String>> names(Pool pool, String[] low, String[] high, int max) {
        return pool.read(connection -> Statements.all(
                connection
                        .createStatement(NamespaceSql.NAMES)
                        .bind("$1", low)
                        .bind("$2", high)
                        .bind("$3", max),
                row -> CounterRows.text(row, "namespace")));
    }

    @Override
    public Mono<Map<String, Size>> sizes(List<String> namespaces, int countedMax) {
        Map<Integer, List<String>> shards =
                namespaces.stream().collect(Collectors.groupingBy(pools.sharding()::indexOf));
        return Flux.fromIterable(shards.entrySet())
                .flatMap(shard -> sizes(pools.at(shard.getKey()), shard.getValue(), countedMax), SHARDS_MAX)
                .flatMapIterable(sizes -> sizes)
                .collectMap(Sized::namespace, Sized::size)
                // The names are known.
                .onErrorReturn(StoreFailure.class, Map.of());
    }

    private static Mono<List<Sized>> sizes(Pool pool, List<String> namespaces, int countedMax) {
        return pool.read(connection -> Statements.all(
                connection
                        .createStatement(NamespaceSql.SIZES)
                        .bind("$1", namespaces.toArray(String[]::new))
                        .bind("$2", countedMax),
                row -> new Sized(CounterRows.text(row, "namespace"), size(row, countedMax))));
    }

    private record Sized(String namespace, Size size) {}

    /** As of the last pass over all counters, which may have found fewer than there are now. */
    private static Size sorted(Row row, long counted) {
        Long counters = row.get("counters", Long.class);
        return counters == null
                ? Size.UNKNOWN
                : new Size(Math.max(counters, counted), CounterRows.timeOrNull(row, "full_at"));
    }

    private static Size size(Row row, int countedMax) {
        long counted = CounterRows.number(row, "counted");
        return counted < countedMax
                ? new Size(counted, CounterRows.time(row, "transaction_time"))
                : sorted(row, counted);
    }
}
