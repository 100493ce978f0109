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
    private record Line(NameKey key, Known known) {

        static Optional<Line> of(Row row) {
            CounterRows.requirePrimary(row);
            String name = row.get("name", String.class);
            return name == null ? Optional.empty() : Optional.of(of(row, name));
        }

        private static Line of(Readable row, String name) {
            return new Line(
                    new NameKey(CounterRows.text(row, "namespace"), CounterRows.text(row, "key")),
                    new Known(name, CounterRows.number(row, "id"), CounterRows.number(row, "created_by")));
        }
    }

    @Override
    public Mono<Map<NameKey, Known>> find(List<NameKey> keys) {
        return pool.read(connection -> known(connection
                .createStatement(NameSql.FIND)
                .bind("$1", texts(keys, NameKey::namespace))
                .bind("$2", texts(keys, NameKey::key))));
    }

    @Override
    public Mono<Known> find(String namespace, long id) {
        return pool.read(connection -> known(connection
                        .createStatement(NameSql.FIND_ID)
                        .bind("$1", namespace)
                        .bind("$2", id)))
                .flatMapIterable(Map::values)
                .next();
    }

    @Override
    public Mono<Map<NameKey, Known>> make(List<Wanted> wanted) {
        return pool.inTransaction(
                connection -> lock(connection, wanted).then(Mono.defer(() -> make(connection, wanted))));
    }

    private static Mono<Void> lock(Connection connection, List<Wanted> wanted) {
        return Statements.rows(connection
                        .createStatement(NameSql.LOCK)
                        .bind(
                                "$1",
                                wanted.stream()
                                        .map(name -> name.key().namespace())
                                        .distinct()
                                        .toArray(String[]::new)))
                .then();
    }

    private static Mono<Map<NameKey, Known>> make(Connection connection, List<Wanted> wanted) {
        return known(connection
                .createStatement(NameSql.MAKE)
                .bind("$1", texts(wanted, name -> name.key().namespace()))
                .bind("$2", texts(wanted, name -> name.key().key()))
                .bind("$3", texts(wanted, Wanted::name))
                .bind("$4", wanted.stream().map(Wanted::creator).toArray(Long[]::new)));
    }

    private static Mono<Map<NameKey, Known>> known(Statement statement) {
        return Statements.all(statement, Line::of)
                .map(lines ->
                        lines.stream().flatMap(Optional::stream).collect(Collectors.toMap(Line::key, Line::known)));
    }

    private static <T> String[] texts(Collection<T> items, Function<T, String> text) {
        return items.stream().map(text).toArray(String[]::new);
    }
}
