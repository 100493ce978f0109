package io.tally.pipeline;

import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.Function;
import java.util.function.Predicate;
import reactor.core.publisher.Mono;

/**
 * Isolates the items that the database rejects in a batch. Halves the batch until a rejected item is alone, so that all
 * others are processed.
 *
 * @param work processes some of the items; called again with parts of them after a failure
 * @param isRefusal whether a failure of the work is the rejection of an item
 * @param refused receives each rejected item with its failure
 */
public record Bisection<T>(
        Function<List<T>, Mono<Void>> work, Predicate<StoreFailure> isRefusal, BiConsumer<T, StoreFailure> refused) {

    /** Processes the items, in parts if necessary. Fails with the failure of the work, unless it is a rejection. */
    public Mono<Void> of(List<T> things) {
        return Mono.defer(() -> work.apply(things))
                .onErrorResume(
                        StoreFailure.class,
                        failure -> isRefusal.test(failure) ? isolate(things, failure) : Mono.error(failure));
    }

    private Mono<Void> isolate(List<T> things, StoreFailure failure) {
        if (things.size() == 1) {
            return Mono.fromRunnable(() -> refused.accept(things.getFirst(), failure));
        }
        int half = things.size() / 2;
        return of(things.subList(0, half)).then(Mono.defer(() -> of(things.subList(half, things.size()))));
    }
}
