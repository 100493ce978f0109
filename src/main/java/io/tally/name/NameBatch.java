package io.tally.name;

import io.tally.counter.Outcome;
import io.tally.lane.PendingRequest;
import io.tally.name.NameAnswer.Named;
import io.tally.name.NameAnswer.Unnamed;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Those who wait in one batch, by what they want; each leaves with the answer. For one thread at a time. */
final class NameBatch {

    private final Map<NameKey, List<PendingRequest<Wanted, NameAnswer>>> open = new LinkedHashMap<>();
    private boolean inDoubt;

    NameBatch(List<PendingRequest<Wanted, NameAnswer>> requests) {
        for (PendingRequest<Wanted, NameAnswer> pending : requests) {
            open.computeIfAbsent(pending.request().key(), key -> new ArrayList<>(1))
                    .add(pending);
        }
    }

    boolean isDone() {
        return open.isEmpty();
    }

    /** What is still wanted. */
    List<NameKey> keys() {
        return List.copyOf(open.keySet());
    }

    /** The same, as the first who wants each would make it. */
    List<Wanted> wanted() {
        return open.values().stream()
                .map(requests -> requests.getFirst().request())
                .toList();
    }

    /** Answers all who want one of these. */
    void take(Map<NameKey, Known> known) {
        known.forEach(this::take);
    }

    private void take(NameKey key, Known known) {
        for (PendingRequest<Wanted, NameAnswer> pending : open.getOrDefault(key, List.of())) {
            boolean created = known.creator() == pending.request().creator();
            pending.answer(new Named(known.name(), known.id(), created));
        }
        open.remove(key);
    }

    /** Answers all who want this one that there is no id, and why. */
    void fail(NameKey key, Outcome why) {
        open.getOrDefault(key, List.of()).forEach(pending -> pending.answer(new Unnamed(why)));
        open.remove(key);
    }

    /** The same for all that are still wanted, of which none was made. */
    void refuseAll(Outcome why) {
        open.values().forEach(requests -> requests.forEach(pending -> pending.refuse(new Unnamed(why))));
        open.clear();
    }

    /** Says that what is still wanted may have been made, and nobody knows. */
    void doubt() {
        inDoubt = true;
    }

    boolean isInDoubt() {
        return inDoubt;
    }
}
