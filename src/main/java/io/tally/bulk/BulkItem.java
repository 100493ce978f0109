package io.tally.bulk;

import io.tally.counter.OutcomeCategory;
import io.tally.http.Action;
import io.tally.http.Caller;
import io.tally.http.ProblemType;
import io.tally.http.Problems;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.springframework.http.ProblemDetail;
import reactor.core.publisher.Mono;

/**
 * An item of an array or a line of a stream.
 *
 * @param <T> what a valid item holds: the parsed request, and after it was carried out the result
 */
public sealed interface BulkItem<T> {

    /** The number of the item in the input, from 1; blank lines count. */
    long line();

    /** A well-formed item. */
    record Valid<T>(long line, T value) implements BulkItem<T> {}

    /** An invalid item. Its problem is created only when it is written, since many items may wait for that. */
    record Malformed<T>(long line, ProblemType type, String detail) implements BulkItem<T> {

        ProblemDetail problem() {
            return Problems.problem(type, detail);
        }
    }

    /** The end of a stream that was cut off before this line. */
    record StreamIncomplete<T>(long line, ProblemDetail problem) implements BulkItem<T> {}

    /** An item for which its caller has no grant. */
    record Forbidden<T>(long line, Action action, String namespace) implements BulkItem<T> {

        ProblemDetail problem() {
            return Caller.forbidden(action, namespace);
        }
    }

    /** A malformed item. */
    static <T> BulkItem<T> malformed(long line, String detail) {
        return new Malformed<>(line, ProblemType.MALFORMED, detail);
    }

    /**
     * Carries out the valid items together and puts each result in the place of its item.
     *
     * @param work gives a result for each of its arguments, in the same order
     */
    static <T, R> Mono<List<BulkItem<R>>> process(List<BulkItem<T>> items, Function<List<T>, Mono<List<R>>> work) {
        return work.apply(values(items)).map(results -> withResults(items, results));
    }

    private static <T> List<T> values(List<BulkItem<T>> items) {
        List<T> values = new ArrayList<>(items.size());
        for (BulkItem<T> item : items) {
            if (item instanceof Valid<T> valid) {
                values.add(valid.value());
            }
        }
        return values;
    }

    private static <T, R> List<BulkItem<R>> withResults(List<BulkItem<T>> items, List<R> results) {
        Iterator<R> next = results.iterator();
        List<BulkItem<R>> done = new ArrayList<>(items.size());
        for (BulkItem<T> item : items) {
            done.add(
                    switch (item) {
                        case Valid<T> valid -> new Valid<>(valid.line(), next.next());
                        case Malformed<T> malformed ->
                            new Malformed<>(malformed.line(), malformed.type(), malformed.detail());
                        case Forbidden<T> forbidden ->
                            new Forbidden<>(forbidden.line(), forbidden.action(), forbidden.namespace());
                        case StreamIncomplete<T> end -> new StreamIncomplete<>(end.line(), end.problem());
                    });
        }
        return done;
    }

    /** The number of items for which their caller has no grant. */
    static long forbidden(List<? extends BulkItem<?>> items) {
        long forbidden = 0;
        for (BulkItem<?> item : items) {
            if (item instanceof Forbidden<?>) {
                forbidden++;
            }
        }
        return forbidden;
    }

    /**
     * Counts items by category. A malformed or forbidden item is rejected; the end of a broken stream does not count.
     */
    static <R> Map<OutcomeCategory, Long> categories(List<BulkItem<R>> items, Function<R, OutcomeCategory> category) {
        Map<OutcomeCategory, Long> counts = new EnumMap<>(OutcomeCategory.class);
        for (BulkItem<R> item : items) {
            switch (item) {
                case Valid<R> valid -> counts.merge(category.apply(valid.value()), 1L, Long::sum);
                case Malformed<R> malformed -> counts.merge(OutcomeCategory.REJECTED, 1L, Long::sum);
                case Forbidden<R> forbidden -> counts.merge(OutcomeCategory.REJECTED, 1L, Long::sum);
                case StreamIncomplete<R> end -> {}
            }
        }
        return counts;
    }
}
