package io.tally.postgres;

import io.r2dbc.spi.Result;
import io.r2dbc.spi.Row;
import io.r2dbc.spi.Statement;
import java.util.List;
import java.util.function.Function;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Results of statements. They are emitted only after the statement has completed: outside a transaction it is then
 * committed. The driver emits rows before the commit, and completes when the server is ready for the next statement.
 */
public final class Statements {

    private Statements() {}

    /** The first row; empty if there is none. */
    public static <T> Mono<T> one(Statement statement, Function<Row, T> mapping) {
        return all(statement, mapping).flatMap(rows -> rows.isEmpty() ? Mono.empty() : Mono.just(rows.getFirst()));
    }

    /** All rows. */
    public static <T> Mono<List<T>> all(Statement statement, Function<Row, T> mapping) {
        return Flux.from(statement.execute())
                .concatMap(result -> result.map((row, metadata) -> mapping.apply(row)))
                .collectList();
    }

    /** The number of changed rows. */
    public static Mono<Long> rows(Statement statement) {
        return Flux.from(statement.execute()).concatMap(Result::getRowsUpdated).reduce(0L, Long::sum);
    }
}
