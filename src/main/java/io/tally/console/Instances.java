package io.tally.console;

import java.util.Set;
import reactor.core.publisher.Mono;

/** The instances that the database knows. Fails with {@link io.tally.pipeline.StoreFailure} only. */
interface Instances {

    /** The names of the instances that have written, and whose last audit or write is not long ago. */
    Mono<Set<String>> names();
}
