package io.tally.postgres;

import io.r2dbc.postgresql.codec.Json;
import io.tally.pipeline.CounterStore.Reach;
import io.tally.pipeline.CounterStore.Sum;
import java.util.List;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** How far the groups of a batch move on their way, as {@link CounterSql#ADD} reads it. */
final class ReachJson {

    private static final Json NONE = Json.of("{}");

    private ReachJson() {}

    /** The groups whose sum does not say it. */
    static Json of(List<Sum> sums) {
        ObjectNode json = null;
        for (Sum sum : sums) {
            Reach reach = sum.reach();
            if (reach != null) {
                json = json == null ? JsonNodeFactory.instance.objectNode() : json;
                // One object for all: a search in a nested one copies the inner object for each row.
                json.putArray(sum.counter().namespace() + "/" + sum.counter().name())
                        .add(reach.lowest())
                        .add(reach.highest());
            }
        }
        return json == null ? NONE : Json.of(json.toString());
    }
}
