package io.tally.pipeline;

import io.tally.pipeline.Batch.MemberGroup;
import io.tally.pipeline.CounterStore.Fence;
import io.tally.pipeline.CounterStore.MemberMove;
import io.tally.pipeline.CounterStore.MoveResult;
import io.tally.pipeline.CounterStore.Settlement.Committed;
import io.tally.pipeline.CounterStore.Writes;
import io.tally.pipeline.LaneMetrics.Path;
import java.util.ArrayList;
import java.util.List;
import reactor.core.publisher.Mono;

/** Members that come and go, in one statement. */
final class MembershipWrite implements FencedWrite<MoveResult> {

    private final Writes store;
    private final List<MemberGroup> groups;
    private final List<MemberMove> moves = new ArrayList<>();

    MembershipWrite(Writes store, List<MemberGroup> groups) {
        this.store = store;
        this.groups = groups;
        for (int i = 0; i < groups.size(); i++) {
            moves.addAll(groups.get(i).moves(i));
        }
    }

    @Override
    public Path path() {
        return Path.MEMBERS;
    }

    @Override
    public int operations() {
        return moves.size();
    }

    @Override
    public int counters() {
        return groups.size();
    }

    @Override
    public Mono<MoveResult> send(Fence fence) {
        return store.move(fence, groups.stream().map(MemberGroup::counter).toList(), moves);
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
}
