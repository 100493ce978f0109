package io.tally.postgres;

/**
 * The assumption that no key of a batch is stored. A wrong one costs a statement that fails. So the batches after it do
 * without: each wrong assumption doubles their number, up to {@value #PAUSE_MAX}, and each right one takes one off. For
 * one thread at a time.
 */
final class NewKeysAssumption {

    static final int PAUSE_MAX = 128;

    private int pause = 1;
    private int paused;

    /** Whether the next batch shall assume it. */
    boolean isAssumed() {
        if (paused == 0) {
            return true;
        }
        paused--;
        return false;
    }

    /** No key was stored. */
    void right() {
        pause = Math.max(1, pause - 1);
    }

    /** A key was stored, or may have been. */
    void wrong() {
        paused = pause;
        pause = Math.min(PAUSE_MAX, 2 * pause);
    }
}
