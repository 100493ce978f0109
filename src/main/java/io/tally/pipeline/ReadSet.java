package io.tally.pipeline;

import io.tally.counter.Command;
import io.tally.counter.CounterId;
import io.tally.counter.IdempotencyKey;
import io.tally.counter.MemberId;
import io.tally.counter.Operation.Move;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * The rows that a decision depends on, each once.
 *
 * @param counters whose state it reads
 * @param members whose membership it reads
 * @param keys whose idempotency records it reads
 */
public record ReadSet(Collection<CounterId> counters, Collection<MemberId> members, Collection<IdempotencyKey> keys) {

    /** The rows that these commands depend on. */
    static ReadSet of(List<Command> commands) {
        Set<CounterId> counters = new LinkedHashSet<>();
        Set<MemberId> members = new LinkedHashSet<>();
        Set<IdempotencyKey> keys = new LinkedHashSet<>();
        for (Command command : commands) {
            counters.addAll(command.operation().counters());
            if (command.operation() instanceof Move move) {
                members.add(move.member());
            }
            if (command.key() != null) {
                keys.add(command.key());
            }
        }
        return new ReadSet(counters, members, keys);
    }
}
