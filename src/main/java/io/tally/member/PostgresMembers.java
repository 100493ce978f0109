package io.tally.member;

import io.r2dbc.spi.Connection;
import io.r2dbc.spi.Row;
import io.tally.counter.CounterId;
import io.tally.counter.Kind;
import io.tally.counter.MemberId;
import io.tally.postgres.CounterRows;
import io.tally.postgres.Pool;
import io.tally.postgres.Statements;
import io.tally.shard.PerShard;
import java.util.List;
import reactor.core.publisher.Mono;

/** Members in PostgreSQL, read on pooled connections. */
record PostgresMembers(PerShard<Pool> pools) implements Members {

    @Override
    public Mono<Presence> read(MemberId member) {
        return pools.of(member.counter().namespace()).read(connection -> read(connection, member));
    }

    private static Mono<Presence> read(Connection connection, MemberId member) {
        return Statements.one(
                connection
                        .createStatement(MemberSql.READ)
                        .bind("$1", member.counter().namespace())
                        .bind("$2", member.counter().name())
                        .bind("$3", member.member()),
                PostgresMembers::presence);
    }

    private static Presence presence(Row row) {
        return new Presence(
                Kind.of(CounterRows.text(row, "kind")),
                CounterRows.is(row, "member"),
                CounterRows.number(row, "value"),
                CounterRows.number(row, "version"));
    }

    @Override
    public Mono<Listing> list(CounterId counter, String after, int max) {
        return pools.of(counter.namespace()).read(connection -> list(connection, counter, after, max));
    }

    /** A row of a page: the kind of the counter, and a member, if there is one. */
    private record Line(Kind kind, List<Membership> member) {

        static Line of(Row row) {
            String member = row.get("member", String.class);
            return new Line(
                    Kind.of(CounterRows.text(row, "kind")),
                    member == null ? List.of() : List.of(new Membership(member, CounterRows.time(row, "joined_at"))));
        }
    }

    private static Mono<Listing> list(Connection connection, CounterId counter, String after, int max) {
        return Statements.all(
                        connection
                                .createStatement(MemberSql.PAGE)
                                .bind("$1", counter.namespace())
                                .bind("$2", counter.name())
                                .bind("$3", after)
                                .bind("$4", max),
                        Line::of)
                .filter(lines -> !lines.isEmpty())
                .map(lines -> new Listing(
                        lines.getFirst().kind(),
                        lines.stream().flatMap(line -> line.member().stream()).toList()));
    }
}
