package io.tally.postgres;

import io.r2dbc.spi.Result;
import io.r2dbc.spi.Row;
import io.r2dbc.spi.Statement;
import java.util.List;
import java.util.function.Function;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * What a statement gives, once it has completed and so, outside a transaction, is committed: rows come before the
 * commit, and the end comes only when the server has said that it is ready again.
 */
public final class Statements {

    private Statements() {}

    /** The one row; empty if there is none. */
    public static <T> Mono<T> one(Statement statement, Function<Row, T> mapping) {
        return all(statement, mapping).flatMap(rows -> rows.isEmpty() ? Mono.empty() : Mono.just(rows.getFirst()));
    }

    /** All rows. */
    public static <T> Mono<List<T>> all(Statement statement, Function<Row, T> mapping) {
        return Flux.from(statement.execute())
                .concatMap(result -> result.map((row, metadata) -> mapping.apply(row)))
                .collectList();
    }

    /** How many rows it changed. */
    public static Mono<Long> rows(Statement statement) {
        return Flux.from(statement.execute()).concatMap(Result::getRowsUpdated).reduce(0L, Long::sum);
    }
}
