package io.tally.postgres;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.testing.Plans;
import io.tally.testing.TallyServer;
import java.sql.SQLException;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The plans of {@link PostgresStoredKeys}. */
@Tag("one-shard") // Plans in one schema.
@Timeout(120)
class StoredKeyPlansIT {

    @BeforeAll
    static void migrate() {
        TallyServer.shared();
    }

    @ParameterizedTest
    @ValueSource(strings = {CounterSql.HAS_REQUEST, CounterSql.HAS_LINE})
    void aLookUpReadsAnIndexOnly(String sql) throws SQLException {
        assertThat(Plans.plan(TallyServer.sharedDatabase(), sql, "text, text", "'/increments', 'upload'"))
                .contains("Index Only Scan using idempotency_key_pkey")
                .containsPattern("Index Cond: \\(\\(namespace = .*\\) AND \\(key (=|>=) ")
                .doesNotContain("Filter");
    }
}
