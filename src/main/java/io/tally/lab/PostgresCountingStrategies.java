package io.tally.lab;

import io.r2dbc.postgresql.api.PostgresqlConnection;
import io.r2dbc.spi.IsolationLevel;
import io.tally.pipeline.StoreFailure;
import io.tally.pipeline.StoreFailure.Cause;
import io.tally.pipeline.StoreFailure.Kind;
import io.tally.postgres.CounterRows;
import io.tally.postgres.Statements;
import java.util.List;
import java.util.function.Function;
import reactor.core.publisher.Mono;

/**
 * The counting strategies of applications that count likes of posts, on a pooled connection. A failed strategy has
 * changed nothing; after a {@link Kind#CONFLICT} it may be retried.
 */
final class PostgresCountingStrategies {

    /** The maximum of round trips of a strategy: begin, lock, select, update, commit. */
    static final int STATEMENTS_MAX = 5;

    private final PostgresqlConnection connection;

    PostgresCountingStrategies(PostgresqlConnection connection) {
        this.connection = connection;
    }

    /** Adds one like to a post with that strategy. */
    Function<String, Mono<Void>> of(Strategy strategy) {
        return switch (strategy) {
            case READ_MODIFY_WRITE -> this::readModifyWrite;
            case GET_OR_CREATE_UNCONSTRAINED -> this::getOrCreateUnconstrained;
            case TABLE_LOCK -> this::tableLock;
            case ROW_LOCK -> this::rowLock;
            case OPTIMISTIC -> this::optimistic;
            case SERIALIZABLE -> this::serializable;
            case ATOMIC -> this::atomic;
            case UPSERT -> this::upsert;
            case LANES -> throw new IllegalArgumentException("lanes have connections of their own");
        };
    }

    // ---- the ways

    private Mono<Void> readModifyWrite(String post) {
        return inTransaction(
                connection.beginTransaction(),
                likes("select likes from lab.post where name = $1", post).flatMap(likes -> write(post, likes + 1)));
    }

    /** There is no unique constraint on the name: see {@link LabSql#UNCONSTRAINED}. */
    private Mono<Void> getOrCreateUnconstrained(String post) {
        return inTransaction(connection.beginTransaction(), ids(post).flatMap(ids -> switch (ids.size()) {
            case 0 -> changed("insert into lab.post (name, likes) values ($1, 1)", post);
            case 1 -> changed("update lab.post set likes = likes + 1 where id = $1", ids.getFirst());
            // Object mappers fail this way if a query for one row finds two.
            default -> Mono.error(refusal("more than one row"));
        }));
    }

    private Mono<Void> tableLock(String post) {
        return inTransaction(
                connection.beginTransaction(),
                Statements.rows(connection.createStatement("lock table lab.post in exclusive mode"))
                        .then(likes("select likes from lab.post where name = $1", post))
                        .flatMap(likes -> write(post, likes + 1)));
    }

    private Mono<Void> rowLock(String post) {
        return inTransaction(
                connection.beginTransaction(),
                likes("select likes from lab.post where name = $1 for update", post)
                        .flatMap(likes -> write(post, likes + 1)));
    }

    private Mono<Void> optimistic(String post) {
        return inTransaction(connection.beginTransaction(), read(post).flatMap(this::writeIfUnchanged));
    }

    /** Sets the isolation level of the transaction instead of the session's. */
    private Mono<Void> serializable(String post) {
        return inTransaction(
                connection.beginTransaction(IsolationLevel.SERIALIZABLE),
                likes("select likes from lab.post where name = $1", post).flatMap(likes -> write(post, likes + 1)));
    }

    private Mono<Void> atomic(String post) {
        return likes("update lab.post set likes = likes + 1 where name = $1 returning likes", post)
                .then();
    }

    private Mono<Void> upsert(String post) {
        return likes(
                        "insert into lab.post (name, likes) values ($1, 1)"
                                + " on conflict (name) do update set likes = post.likes + 1 returning likes",
                        post)
                .then();
    }

    // ---- statements

    /** A post in an object mapper with a version column. */
    private record Post(String name, long likes, long version) {}

    private Mono<Post> read(String post) {
        return Statements.one(
                        connection
                                .createStatement("select likes, version from lab.post where name = $1")
                                .bind("$1", post),
                        row -> new Post(post, CounterRows.number(row, "likes"), CounterRows.number(row, "version")))
                .switchIfEmpty(Mono.error(() -> refusal("no such row")));
    }

    private Mono<Void> writeIfUnchanged(Post read) {
        return Statements.rows(connection
                        .createStatement(
                                "update lab.post set likes = $2, version = $3 + 1 where name = $1 and version = $3")
                        .bind("$1", read.name())
                        .bind("$2", read.likes() + 1)
                        .bind("$3", read.version()))
                .flatMap(rows -> rows == 1 ? Mono.empty() : Mono.error(conflict()));
    }

    private Mono<Long> likes(String sql, String post) {
        return Statements.one(connection.createStatement(sql).bind("$1", post), row -> CounterRows.number(row, "likes"))
                .switchIfEmpty(Mono.error(() -> refusal("no such row")));
    }

    private Mono<Void> write(String post, long likes) {
        return Statements.rows(connection
                        .createStatement("update lab.post set likes = $2 where name = $1")
                        .bind("$1", post)
                        .bind("$2", likes))
                .then();
    }

    private Mono<List<Long>> ids(String post) {
        return Statements.all(
                connection
                        .createStatement("select id from lab.post where name = $1")
                        .bind("$1", post),
                row -> CounterRows.number(row, "id"));
    }

    private Mono<Void> changed(String sql, Object key) {
        return Statements.rows(connection.createStatement(sql).bind("$1", key)).then();
    }

    private Mono<Void> inTransaction(Mono<Void> begin, Mono<Void> work) {
        return begin.then(work)
                .then(connection.commitTransaction())
                // If the rollback fails, too, the next statement reports it.
                .onErrorResume(failure ->
                        connection.rollbackTransaction().onErrorComplete().then(Mono.error(failure)));
    }

    private static StoreFailure conflict() {
        return new StoreFailure(Kind.CONFLICT, Cause.SERIALIZATION, "another transaction changed the row");
    }

    private static StoreFailure refusal(String what) {
        return new StoreFailure(Kind.BAD_OPERATION, Cause.CONNECTION, what);
    }
}
