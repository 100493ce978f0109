package io.tally.pipeline;

import io.tally.counter.Command;
import io.tally.counter.CounterId;
import io.tally.counter.Operation.Increment;
import io.tally.counter.Outcome;
import io.tally.counter.Precondition;
import io.tally.lane.PendingRequest;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** The batches of a lane under load: increments by one, the counters in turn. */
public enum Load {
    /** One hot counter at 64 connections. */
    HOT_64(64, 1),
    /** Many counters at 64 connections. */
    SPREAD_64(64, 64),
    /** Many counters in a stream. */
    SPREAD_1024(1024, 490);

    private final int operations;
    private final int counters;

    Load(int operations, int counters) {
        this.operations = operations;
        this.counters = counters;
    }

    List<CounterId> counters() {
        List<CounterId> ids = new ArrayList<>();
        for (int i = 0; i < counters; i++) {
            ids.add(counter(i));
        }
        return ids;
    }

    /** The commands, each with a counter's identity of its own, as requests bring them. */
    List<Command> commands() {
        List<Command> commands = new ArrayList<>();
        for (int i = 0; i < operations; i++) {
            commands.add(Command.of(new Increment(counter(i % counters), 1, Precondition.NONE)));
        }
        return commands;
    }

    private static CounterId counter(int number) {
        return new CounterId("bench", "counter-" + number);
    }

    /** The waiting callers; their outcomes go to {@code answers}. */
    static List<PendingRequest<Command, Outcome>> requests(List<Command> commands, Consumer<Outcome> answers) {
        List<PendingRequest<Command, Outcome>> requests = new ArrayList<>(commands.size());
        for (Command command : commands) {
            requests.add(new PendingRequest<>(command, answers, 0));
        }
        return requests;
    }
}
