package io.tally.postgres;

import io.r2dbc.postgresql.api.PostgresqlStatement;
import io.tally.counter.IdempotencyKey;
import io.tally.pipeline.CounterStore.Keyed;
import io.tally.pipeline.CounterStore.Sum;
import java.util.Arrays;
import java.util.List;

/** The parameters of {@link CounterSql#ADD_NEW_KEYS}. No sum of a group exceeds {@link Sum#VALUE_MAX}. */
final class NewKeyRows {

    private NewKeyRows() {}

    static PostgresqlStatement bind(PostgresqlStatement statement, List<Sum> sums, List<Keyed> keyed) {
        int size = keyed.size();
        Long[] keyedDeltas = zeros(sums.size());
        Long[] keyedOperations = zeros(sums.size());
        Long[] positions = new Long[size];
        Long[] fingerprints = new Long[size];
        Long[] deltas = new Long[size];
        Long[] moved = new Long[size];
        Long[] nth = new Long[size];
        for (int i = 0; i < size; i++) {
            Keyed one = keyed.get(i);
            int sum = one.sum();
            keyedDeltas[sum] += one.delta();
            keyedOperations[sum]++;
            // SQL counts from 1.
            positions[i] = sum + 1L;
            fingerprints[i] = one.fingerprint();
            deltas[i] = one.delta();
            moved[i] = keyedDeltas[sum];
            nth[i] = keyedOperations[sum];
        }
        String[] namespaces = new String[sums.size()];
        String[] names = new String[sums.size()];
        Long[] totals = new Long[sums.size()];
        Long[] operations = new Long[sums.size()];
        for (int i = 0; i < sums.size(); i++) {
            Sum sum = sums.get(i);
            namespaces[i] = sum.counter().namespace();
            names[i] = sum.counter().name();
            totals[i] = sum.delta() + keyedDeltas[i];
            operations[i] = sum.operations() + keyedOperations[i];
        }
        List<IdempotencyKey> keys = keyed.stream().map(Keyed::key).toList();
        return statement
                .bind("$3", namespaces)
                .bind("$4", names)
                .bind("$5", totals)
                .bind("$6", operations)
                .bind("$7", ReachJson.of(sums))
                .bind("$8", keyedDeltas)
                .bind("$9", keyedOperations)
                .bind("$10", positions)
                .bind("$11", KeyRows.scopes(keys))
                .bind("$12", KeyRows.texts(keys))
                .bind("$13", fingerprints)
                .bind("$14", deltas)
                .bind("$15", moved)
                .bind("$16", nth);
    }

    private static Long[] zeros(int size) {
        Long[] zeros = new Long[size];
        Arrays.fill(zeros, 0L);
        return zeros;
    }
}
