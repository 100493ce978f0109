package io.tally.postgres;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.testing.Database;
import io.tally.testing.Postgres;
import org.junit.jupiter.api.Test;

class DatabaseProofIT {

    @Test
    void everyTableIsProven() throws Exception {
        Database database = Postgres.shared().createDatabase();

        assertThat(database.queryString("select string_agg(relname, ',' order by relname collate \"C\") from pg_class"
                                + " where relnamespace = 'public'::regnamespace and relkind = 'r'"
                                + " and relname <> 'flyway_schema_history'")
                        .split(","))
                .containsExactlyElementsOf(DatabaseProof.TABLES);
    }
}
