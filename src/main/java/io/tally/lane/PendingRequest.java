package io.tally.lane;

import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A request in a lane, and the consumer of its outcome. The first outcome counts; an outcome given after the caller has
 * gone is dropped. For one thread at a time.
 */
public final class PendingRequest<I, O> {

    private static final Logger log = LoggerFactory.getLogger(PendingRequest.class);

    private final I request;
    private final Consumer<O> caller;
    private final long sinceNanos;
    private final @Nullable RequestSequence<O> sequence;
    private boolean answered;

    /** A request that is submitted by itself. */
    public PendingRequest(I request, Consumer<O> caller, long sinceNanos) {
        this(request, caller, sinceNanos, null);
    }

    /** A request that keeps its place in a sequence. */
    PendingRequest(I request, Consumer<O> caller, long sinceNanos, @Nullable RequestSequence<O> sequence) {
        this.request = request;
        this.caller = caller;
        this.sinceNanos = sinceNanos;
        this.sequence = sequence;
    }

    /** The request. */
    public I request() {
        return request;
    }

    /** When the request entered the lane, on the lane's clock. */
    long sinceNanos() {
        return sinceNanos;
    }

    /** Whether other requests of the same array or stream must stay before or after this one. */
    public boolean isSequenced() {
        return sequence != null;
    }

    boolean answered() {
        return answered;
    }

    /** Gives the outcome; calls after the first do nothing. Never throws. */
    public void answer(O outcome) {
        if (answered) {
            return;
        }
        answered = true;
        try {
            caller.accept(outcome);
        } catch (Throwable failure) {
            // The other requests of the batch still need their outcomes.
            log.error("Passing the outcome {} to its caller failed", outcome, failure);
        }
    }

    /**
     * Answers with a refusal: nothing was applied. The lane also refuses the later requests of the sequence.
     */
    public void refuse(O outcome) {
        if (sequence != null && !answered) {
            sequence.refuseFrom(outcome);
        }
        answer(outcome);
    }

    /** Refuses this request if an earlier one of its sequence was refused; returns whether it did. */
    public boolean refuseAfterEarlier() {
        O refusal = sequence == null ? null : sequence.refusal();
        if (refusal == null) {
            return false;
        }
        answer(refusal);
        return true;
    }
}
