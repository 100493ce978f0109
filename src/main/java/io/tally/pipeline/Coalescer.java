package io.tally.pipeline;

import io.tally.counter.CounterId;
import io.tally.counter.Operation;
import io.tally.counter.Outcome;
import io.tally.pipeline.Batch.Group;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/** Groups operations by counter, and sums what can be summed. Pure. */
final class Coalescer {

    private Coalescer() {}

    /**
     * Groups a batch. The order of operations on one counter is kept; that of operations on different counters, which all
     * wait at the same time, means nothing.
     *
     * @param bounded the counters known to refuse plain addition
     */
    static Batch coalesce(List<Waiter<Operation, Outcome>> waiters, Predicate<CounterId> bounded) {
        Map<CounterId, Group> groups = LinkedHashMap.newLinkedHashMap(Math.min(waiters.size(), 1024));
        for (Waiter<Operation, Outcome> waiter : waiters) {
            groups.computeIfAbsent(waiter.request().counter(), id -> new Group(id, bounded.test(id)))
                    .join(waiter);
        }
        List<Group> unconditional = new ArrayList<>(groups.size());
        List<Group> conditional = new ArrayList<>();
        for (Group group : groups.values()) {
            (group.conditional() ? conditional : unconditional).add(group);
        }
        return new Batch(unconditional, conditional);
    }
}
