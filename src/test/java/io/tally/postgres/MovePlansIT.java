package io.tally.postgres;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.testing.Database;
import io.tally.testing.Plans;
import io.tally.testing.Postgres;
import java.sql.SQLException;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Plans outlive the table they were made for: for any size of it, a member that leaves is found by its whole key. */
@Tag("one-shard") // Plans do not depend on the number.
class MovePlansIT {

    @Test
    void membersThatLeaveAreFoundByTheirKeyUnderAnyPlan() throws SQLException {
        Database database = Postgres.shared().createDatabase();
        plansAreGood(database);
        database.execute("analyze member");
        plansAreGood(database);
        fill(database, 1, 1);
        plansAreGood(database);
        fill(database, 2, 50_000);
        plansAreGood(database);
    }

    private static void fill(Database database, int from, int to) throws SQLException {
        database.execute(
                "insert into member (namespace, name, member)"
                        + " select 'n', 'c', 'm' || i from generate_series(?::int, ?::int) i",
                from,
                to);
        database.execute("vacuum analyze member");
    }

    private static void plansAreGood(Database database) throws SQLException {
        assertThat(Plans.plan(
                        database,
                        MemberSql.MOVE,
                        "bigint, bigint, text[], text[], bigint[], text[], text[], text[], boolean[]",
                        "1, 1, '{n}', '{c}', '{1}', '{n}', '{c}', '{m}', '{f}'"))
                .contains("Index Cond: ((ROW(namespace, name, member) >=");
        assertThat(Plans.plan(
                        database,
                        MemberSql.APPLY_MEMBERSHIP,
                        "text[], text[], text[], boolean[]",
                        "'{n}', '{c}', '{m}', '{f}'"))
                .contains("Index Cond: ((ROW(namespace, name, member) >=")
                .doesNotContain("Seq Scan", "Join Filter");
    }
}
