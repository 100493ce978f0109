package io.tally.postgres;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.counter.Bounds;
import io.tally.counter.Counter;
import io.tally.counter.CounterId;
import io.tally.counter.Kind;
import io.tally.counter.Outcome.Amended;
import io.tally.counter.Outcome.Deleted;
import io.tally.counter.Outcome.Incremented;
import io.tally.counter.Outcome.IncrementedAtMost;
import io.tally.counter.Outcome.TransactionApplied;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What is stored is read again by the next version: these texts must stay readable. */
class KeyRowsTest {

    @Test
    void readsAnAmendment() {
        Counter counter = new Counter(
                new CounterId("n", "a"),
                Kind.PLAIN,
                7,
                3,
                0,
                new Bounds(0L, null),
                Instant.parse("2026-01-02T03:04:05.678901Z"),
                Instant.parse("2026-01-02T03:04:06Z"));
        String json = """
                {"amended":{"counter":{"id":{"namespace":"n","name":"a"},"kind":"PLAIN","value":7,"version":3,
                "bounds":{"min":0,"max":null},"createdAt":"2026-01-02T03:04:05.678901Z",
                "updatedAt":"2026-01-02T03:04:06Z"}}}
                """;

        // Earlier releases stored no initial value.
        assertThat(KeyRows.success(json)).isEqualTo(new Amended(counter));
        assertThat(KeyRows.success(KeyRows.json(new Amended(counter)))).isEqualTo(new Amended(counter));
    }

    @Test
    void readsAnIncrementOfWhatFits() {
        IncrementedAtMost atMost = new IncrementedAtMost(new Incremented(5, 3, 0));

        assertThat(KeyRows.success("{\"incrementedAtMost\":{\"applied\":{\"value\":5,\"version\":3,\"delta\":0}}}"))
                .isEqualTo(atMost);
        assertThat(KeyRows.success(KeyRows.json(atMost))).isEqualTo(atMost);
    }

    @Test
    void readsADeletion() {
        assertThat(KeyRows.success("{\"deleted\":{}}")).isEqualTo(new Deleted());
        assertThat(KeyRows.success(KeyRows.json(new Deleted()))).isEqualTo(new Deleted());
    }

    @Test
    void readsATransaction() {
        TransactionApplied applied = new TransactionApplied(List.of(new Incremented(1, 2, 3)));

        assertThat(KeyRows.success("{\"transaction\":{\"results\":[{\"value\":1,\"version\":2,\"delta\":3}]}}"))
                .isEqualTo(applied);
        assertThat(KeyRows.success(KeyRows.json(applied))).isEqualTo(applied);
    }
}
