package io.tally.name;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.testing.Database;
import io.tally.testing.Plans;
import io.tally.testing.Postgres;
import java.sql.SQLException;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Plans outlive the table they were made for: for any size of it, a name is found by its key and by its id, and
 * never by reading all names of its namespace.
 */
@Tag("one-shard") // Plans in one schema.
class NamePlansIT {

    private static final String KEYS = "'{a}', '{b}'";

    @Test
    void namesAreFoundByTheirKeysUnderAnyPlan() throws SQLException {
        Database database = Postgres.shared().createDatabase();
        plansAreGood(database);
        database.execute("analyze name");
        plansAreGood(database);
        fill(database, "select 1, 0, 'n', 'k', 'k'");
        plansAreGood(database);
        fill(database, "select 1, 0, 'n' || i, 'k', 'k' from generate_series(1, 500) i");
        plansAreGood(database);
        fill(database, "select i, 0, 'n', 'k' || i, 'k' from generate_series(2, 50000) i");
        plansAreGood(database);
    }

    private static void fill(Database database, String rows) throws SQLException {
        database.execute("insert into name (id, created_by, namespace, key, name) " + rows);
        database.execute("vacuum analyze name");
    }

    private static void plansAreGood(Database database) throws SQLException {
        assertThat(Plans.plan(database, NameSql.FIND, "text[], text[]", KEYS))
                .contains("name_pkey")
                .doesNotContain("name_id");
        assertThat(Plans.plan(database, NameSql.CREATE, "text[], text[], text[], bigint[]", KEYS + ", '{c}', '{1}'"))
                .contains("name_pkey")
                .doesNotContain("name_id");
        assertThat(Plans.plan(database, NameSql.FIND_ID, "text, bigint", "'a', 1"))
                .contains("name_id")
                .contains("Index Cond: ((ROW(id, namespace)")
                .doesNotContain("name_pkey");
    }
}
