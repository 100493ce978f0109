package io.tally.pipeline;

import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.Function;
import java.util.function.Predicate;
import reactor.core.publisher.Mono;

/**
 * Work on many things at once, one of which the database may refuse. Halves them until that one stands alone, so that
 * the work on all others is done.
 *
 * @param work on some of the things; again on parts of them where it failed
 * @param isRefusal which failures of the work are those of one thing
 * @param refused receives each thing that is refused alone, with the failure
 */
public record Bisection<T>(
        Function<List<T>, Mono<Void>> work, Predicate<StoreFailure> isRefusal, BiConsumer<T, StoreFailure> refused) {

    /** Does the work, part by part where need be. Fails as the work does where that is no refusal. */
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
