package io.tally.name;

import java.util.List;
import java.util.Map;
import reactor.core.publisher.Mono;

/** Where names are kept. Fails with {@link io.tally.pipeline.StoreFailure} only; subscribing again asks again. */
public interface NameStore {

    /** Those that exist; changes nothing. A failure is never of unknown outcome. */
    Mono<Map<NameKey, Known>> find(List<NameKey> keys);

    /** The name with an id in a namespace; empty where there is none. Changes nothing. */
    Mono<Known> find(String namespace, long id);

    /**
     * Makes those that do not exist, all or none, and gives all. Each namespace has one who makes names in it at a
     * time: others wait, and then find what was made. No id is used up for a name that exists, or by a failure.
     *
     * @param wanted at most one for each key
     */
    Mono<Map<NameKey, Known>> make(List<Wanted> wanted);
}
