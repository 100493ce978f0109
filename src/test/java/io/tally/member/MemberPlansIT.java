package io.tally.member;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.testing.Database;
import io.tally.testing.Plans;
import io.tally.testing.Postgres;
import java.sql.SQLException;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Plans outlive the table they were made for: with few members and with many, a page is read along the primary key. */
@Tag("one-shard") // Plans in one schema.
class MemberPlansIT {

    @Test
    void pagesAreReadAlongTheirKeyUnderAnyPlan() throws SQLException {
        Database database = Postgres.shared().createDatabase();
        plansAreGood(database);
        database.execute("insert into counter (namespace, name, kind, value) values ('n', 'c', 'members', 50000)");
        database.execute("insert into member (namespace, name, member)"
                + " select 'n', 'c', 'm' || i from generate_series(1, 50000) i");
        database.execute("vacuum analyze member");
        plansAreGood(database);
    }

    private static void plansAreGood(Database database) throws SQLException {
        assertThat(Plans.plan(database, MemberSql.PAGE, "text, text, text, bigint", "'n', 'c', '', 10"))
                .contains("member_pkey")
                .doesNotContain("Seq Scan");
    }
}
