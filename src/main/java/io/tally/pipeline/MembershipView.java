package io.tally.pipeline;

import io.tally.counter.CounterId;
import io.tally.counter.MemberId;
import io.tally.pipeline.Resolution.MemberChanges;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Membership while operations are decided, and how it differs from the locked state. */
final class MembershipView {

    private final Set<CounterId> counters;
    private final Set<MemberId> found;
    private final Map<MemberId, Boolean> moved = new LinkedHashMap<>();
    private final Set<CounterId> emptied = new LinkedHashSet<>();

    /**
     * The locked state.
     *
     * @param counters the locked counters. A member found of any other counter belongs to one that was created after
     *     the locks were taken, and does not count
     */
    MembershipView(Set<CounterId> counters, Set<MemberId> found) {
        this.counters = counters;
        this.found = found;
    }

    boolean isMember(MemberId member) {
        Boolean now = moved.get(member);
        return now == null ? was(member) : now;
    }

    void put(MemberId member, boolean isMember) {
        moved.put(member, isMember);
    }

    /** Removes all members of a counter. */
    void empty(CounterId counter) {
        moved.keySet().removeIf(member -> member.counter().equals(counter));
        if (counters.contains(counter)) {
            emptied.add(counter);
        }
    }

    private boolean was(MemberId member) {
        return found.contains(member) && counters.contains(member.counter()) && !emptied.contains(member.counter());
    }

    MemberChanges changes() {
        List<MemberId> left = new ArrayList<>();
        List<MemberId> joined = new ArrayList<>();
        moved.forEach((member, isMember) -> {
            if (isMember != was(member)) {
                (isMember ? joined : left).add(member);
            }
        });
        return new MemberChanges(List.copyOf(emptied), left, joined);
    }
}
