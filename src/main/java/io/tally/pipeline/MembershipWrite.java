package io.tally.pipeline;

import io.tally.counter.Command;
import io.tally.counter.Operation.Join;
import io.tally.counter.Operation.Move;
import io.tally.counter.Outcome;
import io.tally.counter.Outcome.Moved;
import io.tally.lane.PendingRequest;
import io.tally.pipeline.CounterStore.Fence;
import io.tally.pipeline.CounterStore.MemberMove;
import io.tally.pipeline.CounterStore.MoveResult;
import io.tally.pipeline.CounterStore.Settlement.Committed;
import io.tally.pipeline.CounterStore.VersionedValue;
import io.tally.pipeline.CounterStore.Writes;
import io.tally.pipeline.LaneMetrics.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** Joins and leaves of members, in one statement. */
final class MembershipWrite implements FencedWrite<MoveResult> {

    private final List<CounterGroup> groups;
    private final List<MemberMove> moves = new ArrayList<>();

    MembershipWrite(List<CounterGroup> groups) {
        this.groups = groups;
        for (int i = 0; i < groups.size(); i++) {
            for (PendingRequest<Command, Outcome> pending : groups.get(i).requests()) {
                Move move = (Move) pending.request().operation();
                moves.add(new MemberMove(i, move.member(), move instanceof Join));
            }
        }
    }

    @Override
    public Path path() {
        return Path.MEMBERS;
    }

    @Override
    public List<PendingRequest<Command, Outcome>> requests() {
        return groups.stream().flatMap(group -> group.requests().stream()).toList();
    }

    @Override
    public int counters() {
        return groups.size();
    }

    List<MemberMove> moves() {
        return moves;
    }

    @Override
    public Mono<MoveResult> send(Writes store, Fence fence) {
        return store.move(fence, groups.stream().map(CounterGroup::counter).toList(), moves);
    }

    @Override
    public MoveResult stored(Committed committed) {
        return committed.moves();
    }

    @Override
    public Written written(MoveResult result) {
        int moved = (int) result.moved().stream().filter(Boolean.TRUE::equals).count();
        return new Written(true, moved, moved);
    }

    @Override
    public List<PendingRequest<Command, Outcome>> answer(MoveResult result) {
        List<PendingRequest<Command, Outcome>> leftOut = new ArrayList<>(0);
        int from = 0;
        for (int i = 0; i < groups.size(); i++) {
            List<PendingRequest<Command, Outcome>> requests = groups.get(i).requests();
            VersionedValue after = result.values().get(i);
            if (after == null) {
                leftOut.addAll(requests);
            } else {
                leftOut.addAll(answer(requests, from, after, result.moved()));
            }
            from += requests.size();
        }
        return leftOut;
    }

    /** Answers backwards from the value after the last operation; returns the requests that were left out. */
    private List<PendingRequest<Command, Outcome>> answer(
            List<PendingRequest<Command, Outcome>> requests,
            int from,
            VersionedValue after,
            List<@Nullable Boolean> moved) {
        long value = after.value();
        long version = after.version();
        List<PendingRequest<Command, Outcome>> leftOut = new ArrayList<>(0);
        for (int i = requests.size() - 1; i >= 0; i--) {
            Boolean changed = moved.get(from + i);
            if (changed == null) {
                leftOut.add(requests.get(i));
            } else {
                boolean joins = moves.get(from + i).joins();
                requests.get(i).answer(new Moved(joins, changed, value, version));
                value -= changed ? (joins ? 1 : -1) : 0;
                version -= changed ? 1 : 0;
            }
        }
        return leftOut.reversed();
    }
}
