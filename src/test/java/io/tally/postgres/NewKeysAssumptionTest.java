package io.tally.postgres;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.function.IntPredicate;
import org.junit.jupiter.api.Test;

class NewKeysAssumptionTest {

    private final NewKeysAssumption newKeys = new NewKeysAssumption();
    private int assumed;
    private int wrong;

    private void batches(int count, IntPredicate hasStoredKey) {
        assumed = 0;
        wrong = 0;
        for (int i = 0; i < count; i++) {
            if (newKeys.isAssumed()) {
                assumed++;
                if (hasStoredKey.test(i)) {
                    wrong++;
                    newKeys.wrong();
                } else {
                    newKeys.right();
                }
            }
        }
    }

    @Test
    void isAssumedWhileItIsRight() {
        batches(1_000, batch -> false);

        assertThat(assumed).isEqualTo(1_000);
    }

    @Test
    void isRarelyAssumedWhileItIsWrong() {
        batches(12_900, batch -> true);

        assertThat(wrong).isEqualTo(assumed).isBetween(100, 110);
    }

    @Test
    void isRarelyAssumedWhileEveryOtherBatchHasAStoredKey() {
        batches(12_900, batch -> batch % 2 == 0);

        assertThat(wrong).isLessThan(110);
    }

    @Test
    void isAssumedOftenWhileFewBatchesHaveAStoredKey() {
        batches(10_000, batch -> batch % 100 == 0);

        assertThat(assumed).isGreaterThan(9_500);
    }

    @Test
    void isAssumedAgainAfterManyStoredKeys() {
        batches(10_000, batch -> true);
        batches(1_000, batch -> false);

        assertThat(assumed).isGreaterThanOrEqualTo(1_000 - NewKeysAssumption.PAUSE_MAX);
    }
}
