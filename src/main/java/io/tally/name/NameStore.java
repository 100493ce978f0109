package io.tally.name;

import java.util.List;
import java.util.Map;
import reactor.core.publisher.Mono;

/** The store of names. Fails with {@link io.tally.pipeline.StoreFailure} only; each subscription runs the statement. */
public interface NameStore {

    /** The names that exist; changes nothing. A failure is never of unknown outcome. */
    Mono<Map<NameKey, StoredName>> find(List<NameKey> keys);

    /** The name with an id in a namespace; empty if there is none. Changes nothing. */
    Mono<StoredName> find(String namespace, long id);

    /**
     * Creates the names that do not exist, all or none, and returns all. One transaction at a time creates names in a
     * namespace; others wait, and then find those names. Neither a name that exists nor a failure uses up an id.
     *
     * @param requests at most one for each key
     */
    Mono<Map<NameKey, StoredName>> create(List<NameRequest> requests);
}
