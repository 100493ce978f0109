package io.tally.ranking;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.ranking.RankingSql.Pages;
import io.tally.testing.Database;
import io.tally.testing.Plans;
import io.tally.testing.Postgres;
import java.sql.SQLException;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Plans outlive the tables they were made for: for any size of them, a page is read along the index of its order,
 * and a counter is found by its key.
 */
@Tag("one-shard") // Plans in one schema.
class RankingPlansIT {

    private static final String ENDED_BY_KEY = "Conflict Arbiter Indexes: ranking_pkey";

    @Test
    void pagesAreReadAlongTheirOrderUnderAnyPlan() throws SQLException {
        Database database = Postgres.shared().createDatabase();
        plansAreGood(database);
        database.execute("analyze ranking");
        database.execute("analyze counter");
        plansAreGood(database);
        fill(database, "n", 1, 1);
        plansAreGood(database);
        fill(database, "n", 2, 50_000);
        plansAreGood(database);
    }

    private static void fill(Database database, String namespace, int from, int to) throws SQLException {
        database.execute(
                "insert into counter (namespace, name, value)"
                        + " select ?, 'c' || i, i from generate_series(?::int, ?::int) i",
                namespace,
                from,
                to);
        database.execute(
                "insert into ranking (namespace, name, value, growth, since)"
                        + " select ?, 'c' || i, i, i, now() from generate_series(?::int, ?::int) i",
                namespace,
                from,
                to);
        database.execute("vacuum analyze ranking");
        database.execute("vacuum analyze counter");
    }

    private static String first(Database database, Pages pages) throws SQLException {
        return Plans.plan(database, pages.first(), "text, timestamptz, bigint, bigint", "'n', now(), 10, 1");
    }

    private static String next(Database database, Pages pages) throws SQLException {
        return Plans.plan(database, pages.next(), "text, timestamptz, bigint, bigint, text", "'n', now(), 10, 1, 'c'");
    }

    private static void plansAreGood(Database database) throws SQLException {
        for (Pages pages : List.of(RankingSql.BY_VALUE, RankingSql.BY_VALUE_DESCENDING)) {
            assertThat(first(database, pages))
                    .contains("ranking_by_value")
                    .contains("counter_pkey")
                    .doesNotContain("ranking_by_growth", "ranking_pkey", "Seq Scan");
            assertThat(next(database, pages))
                    .contains("ranking_by_value")
                    .contains("ROW(value, name)")
                    .contains("counter_pkey")
                    .doesNotContain("ranking_by_growth", "ranking_pkey", "Seq Scan");
        }
        for (Pages pages : List.of(RankingSql.BY_GROWTH, RankingSql.BY_GROWTH_DESCENDING)) {
            assertThat(first(database, pages))
                    .contains("ranking_by_growth")
                    .contains("counter_pkey")
                    .doesNotContain("ranking_by_value", "ranking_pkey", "Seq Scan");
            assertThat(next(database, pages))
                    .contains("ranking_by_growth")
                    .contains("ROW(growth, name)")
                    .contains("counter_pkey")
                    .doesNotContain("ranking_by_value", "ranking_pkey", "Seq Scan");
        }
        // Each changed rank is found by its key, and ended by it.
        assertThat(Plans.plan(database, RankingSql.PASS, "text, timestamptz", "'n', now()"))
                .contains("ranking_pkey", "Index Cond: ((namespace = $1) AND (name = c.name))", ENDED_BY_KEY)
                .doesNotContain("ranking_by_value", "ranking_by_growth", "Join Filter", "Seq Scan");
        assertThat(Plans.plan(database, RankingSql.PASS_FULL, "text", "'n'"))
                .contains(ENDED_BY_KEY)
                .doesNotContain("Join Filter");
        assertThat(Plans.plan(database, RankingSql.BY_NAME, "text, text, bigint, text", "'n', 'c', 10, 'c1'"))
                .contains("counter_pkey")
                .contains("(name > $2) AND (name >= $4)")
                .doesNotContain("Seq Scan");
    }
}
