package io.tally.name;

import io.tally.counter.Outcome;
import io.tally.lane.PendingRequest;
import io.tally.name.NameResult.Failure;
import io.tally.name.NameResult.Success;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The requests of one batch that have no result yet, by key. For one thread at a time. */
final class NameBatch {

    private final Map<NameKey, List<PendingRequest<NameRequest, NameResult>>> open = new LinkedHashMap<>();
    private boolean inDoubt;
    private boolean otherSpellings;

    NameBatch(List<PendingRequest<NameRequest, NameResult>> requests) {
        for (PendingRequest<NameRequest, NameResult> pending : requests) {
            open.computeIfAbsent(pending.request().key(), key -> new ArrayList<>(1))
                    .add(pending);
        }
    }

    boolean isDone() {
        return open.isEmpty();
    }

    /** The keys of the open requests. */
    List<NameKey> keys() {
        return List.copyOf(open.keySet());
    }

    /** The first open request of each key, which creates the name if it does not exist. */
    List<NameRequest> requests() {
        return open.values().stream()
                .map(requests -> requests.getFirst().request())
                .toList();
    }

    /** Completes the requests for these names. */
    void complete(Map<NameKey, StoredName> names) {
        names.forEach(this::complete);
    }

    private void complete(NameKey key, StoredName stored) {
        for (PendingRequest<NameRequest, NameResult> pending : open.getOrDefault(key, List.of())) {
            boolean created = stored.creator() == pending.request().creator();
            pending.answer(new Success(stored.name(), stored.id(), created));
        }
        open.remove(key);
    }

    /** Fails the requests for one name. */
    void fail(NameKey key, Outcome cause) {
        open.getOrDefault(key, List.of()).forEach(pending -> pending.answer(new Failure(cause)));
        open.remove(key);
    }

    /**
     * Fails the requests that spell a name as this one does. Others of the same key may spell it so that the database
     * takes it.
     */
    void fail(NameRequest refused, Outcome cause) {
        List<PendingRequest<NameRequest, NameResult>> others = new ArrayList<>();
        for (PendingRequest<NameRequest, NameResult> pending : open.getOrDefault(refused.key(), List.of())) {
            if (pending.request().name().equals(refused.name())) {
                pending.answer(new Failure(cause));
            } else {
                others.add(pending);
            }
        }
        if (others.isEmpty()) {
            open.remove(refused.key());
        } else {
            open.put(refused.key(), others);
            otherSpellings = true;
        }
    }

    /** Whether there are open requests for a name of which a spelling was refused since the last call. */
    boolean hasOtherSpellings() {
        boolean has = otherSpellings;
        otherSpellings = false;
        return has;
    }

    /** Refuses the open requests, none of which created a name. */
    void refuseAll(Outcome cause) {
        open.values().forEach(requests -> requests.forEach(pending -> pending.refuse(new Failure(cause))));
        open.clear();
    }

    /** Notes that the names of the open requests may have been created: the outcome is unknown. */
    void doubt() {
        inDoubt = true;
    }

    boolean isInDoubt() {
        return inDoubt;
    }
}
