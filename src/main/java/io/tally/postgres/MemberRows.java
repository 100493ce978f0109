package io.tally.postgres;

import io.r2dbc.postgresql.api.PostgresqlStatement;
import io.r2dbc.spi.Readable;
import io.tally.counter.CounterId;
import io.tally.counter.MemberId;
import io.tally.pipeline.CounterStore.MemberMove;
import io.tally.pipeline.CounterStore.MoveResult;
import io.tally.pipeline.Resolution.MemberChanges;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Maps members to arrays of parameters, and rows to members. */
final class MemberRows {

    private MemberRows() {}

    /** Binds the parameters of {@link MemberSql#PRESENT}. */
    static PostgresqlStatement bind(PostgresqlStatement statement, Collection<MemberId> members) {
        List<CounterId> counters = members.stream().map(MemberId::counter).toList();
        return statement
                .bind("$1", CounterRows.namespaces(counters))
                .bind("$2", CounterRows.names(counters))
                .bind("$3", members.stream().map(MemberId::member).toArray(String[]::new));
    }

    /** Binds the parameters of {@link MemberSql#APPLY_MEMBERSHIP}. */
    static PostgresqlStatement bind(PostgresqlStatement statement, MemberChanges changes) {
        List<MemberId> members = new ArrayList<>(changes.left());
        members.addAll(changes.joined());
        Boolean[] joins = new Boolean[members.size()];
        Arrays.setAll(joins, i -> i >= changes.left().size());
        return bind(statement, members).bind("$4", joins);
    }

    /** Binds the parameters of {@link MemberSql#MOVE} after the fence. */
    static PostgresqlStatement bind(PostgresqlStatement statement, List<CounterId> counters, List<MemberMove> moves) {
        int size = moves.size();
        Long[] places = new Long[size];
        String[] members = new String[size];
        Boolean[] joins = new Boolean[size];
        for (int i = 0; i < size; i++) {
            MemberMove move = moves.get(i);
            // SQL counts from 1.
            places[i] = move.counter() + 1L;
            members[i] = move.member().member();
            joins[i] = move.joins();
        }
        List<CounterId> ofMoves =
                moves.stream().map(move -> move.member().counter()).toList();
        return statement
                .bind("$3", CounterRows.namespaces(counters))
                .bind("$4", CounterRows.names(counters))
                .bind("$5", places)
                .bind("$6", CounterRows.namespaces(ofMoves))
                .bind("$7", CounterRows.names(ofMoves))
                .bind("$8", members)
                .bind("$9", joins);
    }

    static MoveResult result(Readable row) {
        @Nullable Boolean[] moved = row.get("outcome_moves", Boolean[].class);
        return new MoveResult(
                CounterRows.versionedValues(row, "outcome_values", "outcome_versions"),
                moved == null ? List.of() : Collections.unmodifiableList(Arrays.asList(moved)));
    }

    static MemberId id(Readable row) {
        return new MemberId(
                new CounterId(CounterRows.text(row, "namespace"), CounterRows.text(row, "name")),
                CounterRows.text(row, "member"));
    }
}
