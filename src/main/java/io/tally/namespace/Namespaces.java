package io.tally.namespace;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** The store of namespaces. Every {@code Mono} is cold. */
interface Namespaces {

    /**
     * The first namespaces in some ranges, in the order of their bytes. Fails with
     * {@link io.tally.pipeline.StoreFailure} only.
     *
     * @param max the maximum of namespaces
     */
    Mono<List<String>> names(List<NamespaceRange> ranges, int max);

    /**
     * The sizes of these namespaces; empty if the count fails. Never fails. A namespace that is absent has an unknown
     * size.
     *
     * @param countedMax a namespace with at least so many counters is not counted; its size is that of the last pass
     *     over all of its counters
     */
    Mono<Map<String, Size>> sizes(List<String> namespaces, int countedMax);

    /**
     * The number of counters in a namespace.
     *
     * @param counters {@code null} if it is not known
     * @param asOf the time of the count, by the clock of the database; {@code null} if there was none
     */
    record Size(@Nullable Long counters, @Nullable Instant asOf) {

        /** Not known. */
        static final Size UNKNOWN = new Size(null, null);
    }
}
