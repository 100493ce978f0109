package io.tally.counter;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.counter.Operation.Amend;
import io.tally.counter.Operation.Delete;
import io.tally.counter.Operation.Increment;
import io.tally.counter.Operation.Transaction;
import java.util.List;
import org.junit.jupiter.api.Test;

class FingerprintTest {

    private static final CounterId COUNTER = new CounterId("n", "a");
    private static final Increment INCREMENT = new Increment(COUNTER, 1, Precondition.NONE);

    /** They are stored: were one to change, every request that is sent again after an upgrade would be refused. */
    @Test
    void staysWhatItIs() {
        assertThat(Fingerprint.of(INCREMENT)).isEqualTo(3360092204720080144L);
        assertThat(Fingerprint.of(new Amend(COUNTER, 7L, null, Edit.keep(), new Edit.Set<>(null), Precondition.EXISTS)))
                .isEqualTo(9086956498024012183L);
        assertThat(Fingerprint.of(new Delete(COUNTER, Precondition.NONE))).isEqualTo(6218944962822422995L);
        assertThat(Fingerprint.of(new Transaction(List.of(INCREMENT)))).isEqualTo(-6977611965483409870L);
    }

    @Test
    void tellsRequestsApart() {
        assertThat(List.of(
                                INCREMENT,
                                new Increment(COUNTER, 11, Precondition.NONE),
                                new Increment(new CounterId("n", "a1"), 1, Precondition.NONE),
                                new Increment(new CounterId("na", "1"), 1, Precondition.NONE),
                                new Amend(COUNTER, null, null, Edit.keep(), new Edit.Set<>(null), Precondition.EXISTS),
                                new Amend(COUNTER, null, null, new Edit.Set<>(null), Edit.keep(), Precondition.EXISTS),
                                new Amend(COUNTER, null, 1L, Edit.keep(), new Edit.Set<>(null), Precondition.EXISTS),
                                increment(new NewCounter(1, Bounds.NONE), false),
                                increment(new NewCounter(0, new Bounds(0L, null)), false),
                                increment(new NewCounter(0, new Bounds(null, 0L)), false),
                                increment(new NewCounter(0, new Bounds(null, 0L)), true),
                                increment(NewCounter.DEFAULT, true),
                                new Delete(COUNTER, Precondition.NONE),
                                new Transaction(List.of(increment(new NewCounter(1, Bounds.NONE), false))),
                                new Transaction(List.of(INCREMENT)),
                                new Transaction(List.of(INCREMENT, INCREMENT)))
                        .stream()
                        .map(Fingerprint::of))
                .doesNotHaveDuplicates();
    }

    private static Increment increment(NewCounter defaults, boolean atMost) {
        return new Increment(COUNTER, 1, defaults, atMost, Precondition.NONE);
    }

    @Test
    void knowsExplicitDefaults() {
        assertThat(Fingerprint.of(increment(new NewCounter(0, new Bounds(null, null)), false)))
                .isEqualTo(Fingerprint.of(INCREMENT));
    }

    @Test
    void leavesPreconditionsOut() {
        assertThat(Fingerprint.of(new Increment(COUNTER, 1, Precondition.EXISTS)))
                .isEqualTo(Fingerprint.of(INCREMENT));
    }
}
