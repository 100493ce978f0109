package io.tally.name;

import io.r2dbc.spi.Connection;
import io.r2dbc.spi.Readable;
import io.r2dbc.spi.Row;
import io.r2dbc.spi.Statement;
import io.tally.postgres.CounterRows;
import io.tally.postgres.Pool;
import io.tally.postgres.Statements;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import reactor.core.publisher.Mono;

/** Names in PostgreSQL, on pooled connections. */
final class PostgresNames implements NameStore {

    private final Pool pool;

    PostgresNames(Pool pool) {
        this.pool = pool;
    }

    /** A row of a name that exists. */
    private record Line(NameKey key, StoredName stored) {

        static Optional<Line> of(Row row) {
            CounterRows.requirePrimary(row);
            String name = row.get("name", String.class);
            return name == null ? Optional.empty() : Optional.of(of(row, name));
        }

        private static Line of(Readable row, String name) {
            return new Line(
                    new NameKey(CounterRows.text(row, "namespace"), CounterRows.text(row, "key")),
                    new StoredName(name, CounterRows.number(row, "id"), CounterRows.number(row, "created_by")));
        }
    }

    @Override
    public Mono<Map<NameKey, StoredName>> find(List<NameKey> keys) {
        return pool.read(connection -> names(connection
                .createStatement(NameSql.FIND)
                .bind("$1", texts(keys, NameKey::namespace))
                .bind("$2", texts(keys, NameKey::key))));
    }

    @Override
    public Mono<StoredName> find(String namespace, long id) {
        return pool.read(connection -> names(connection
                        .createStatement(NameSql.FIND_ID)
                        .bind("$1", namespace)
                        .bind("$2", id)))
                .flatMapIterable(Map::values)
                .next();
    }

    @Override
    public Mono<Map<NameKey, StoredName>> create(List<NameRequest> requests) {
        return pool.inTransaction(
                connection -> lock(connection, requests).then(Mono.defer(() -> create(connection, requests))));
    }

    private static Mono<Void> lock(Connection connection, List<NameRequest> requests) {
        return Statements.rows(connection
                        .createStatement(NameSql.LOCK)
                        .bind(
                                "$1",
                                requests.stream()
                                        .map(request -> request.key().namespace())
                                        .distinct()
                                        .toArray(String[]::new)))
                .then();
    }

    private static Mono<Map<NameKey, StoredName>> create(Connection connection, List<NameRequest> requests) {
        return names(connection
                .createStatement(NameSql.CREATE)
                .bind("$1", texts(requests, request -> request.key().namespace()))
                .bind("$2", texts(requests, request -> request.key().key()))
                .bind("$3", texts(requests, NameRequest::name))
                .bind("$4", requests.stream().map(NameRequest::creator).toArray(Long[]::new)));
    }

    private static Mono<Map<NameKey, StoredName>> names(Statement statement) {
        return Statements.all(statement, Line::of)
                .map(lines ->
                        lines.stream().flatMap(Optional::stream).collect(Collectors.toMap(Line::key, Line::stored)));
    }

    private static <T> String[] texts(Collection<T> items, Function<T, String> text) {
        return items.stream().map(text).toArray(String[]::new);
    }
}
