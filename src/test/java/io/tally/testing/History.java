package io.tally.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Comparator;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;

/**
 * What many clients saw of one counter that each of them incremented by one. Since every increment has a value of its
 * own, the history is linearizable where no value was given twice and no increment that began after another had ended
 * was given a smaller value: a check in linear time. Any thread may record.
 */
public final class History {

    private final Queue<Increment> acknowledged = new ConcurrentLinkedQueue<>();
    private final AtomicLong unknown = new AtomicLong();
    private final AtomicLong refused = new AtomicLong();

    private record Increment(long startNanos, long endNanos, long value) {}

    /** Sends an increment and records its outcome. Headers as name, value, name, value. */
    public TallyClient.Answer increment(TallyClient client, String counter, String... headers) {
        long start = System.nanoTime();
        TallyClient.Answer answer = client.increment(counter, 1, headers);
        switch (answer.status()) {
            case 200 ->
                acknowledged.add(new Increment(
                        start, System.nanoTime(), answer.json().path("value").asLong()));
            case 503 -> (answer.problem().equals("outcome-unknown") ? unknown : refused).incrementAndGet();
            default -> throw new AssertionError(answer);
        }
        return answer;
    }

    /** Records an increment of which the client heard nothing. */
    public void unanswered() {
        unknown.incrementAndGet();
    }

    /** How many were acknowledged. */
    public long acknowledged() {
        return acknowledged.size();
    }

    /** How many may or may not have been applied. */
    public long unknown() {
        return unknown.get();
    }

    /** How many were refused, and so not applied. */
    public long refused() {
        return refused.get();
    }

    /** Checks the history against the counter's value now, which was 0 before. */
    public void check(long stored) {
        assertThat(stored).as("stored").isBetween(acknowledged(), acknowledged() + unknown());
        List<Increment> byValue = acknowledged.stream()
                .sorted(Comparator.comparingLong(Increment::value))
                .toList();
        assertThat(byValue.stream().map(Increment::value)).as("values").doesNotHaveDuplicates();
        if (!byValue.isEmpty()) {
            assertThat(byValue.getFirst().value()).isPositive();
            assertThat(byValue.getLast().value()).isLessThanOrEqualTo(stored);
            checkRealTime(byValue);
        }
    }

    private static void checkRealTime(List<Increment> byValue) {
        Increment latestStart = byValue.getFirst();
        for (Increment increment : byValue) {
            assertThat(increment.endNanos() - latestStart.startNanos())
                    .as("%s ended before %s began, which has a smaller value", increment, latestStart)
                    .isNotNegative();
            if (increment.startNanos() - latestStart.startNanos() > 0) {
                latestStart = increment;
            }
        }
    }

    @Override
    public String toString() {
        return acknowledged() + " acknowledged, " + unknown() + " unknown, " + refused() + " refused";
    }
}
