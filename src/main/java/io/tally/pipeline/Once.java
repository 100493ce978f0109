package io.tally.pipeline;

/** What came of work that is done once for each key. */
public sealed interface Once<T> {

    /** It was done now, or refused and changed nothing. */
    record First<T>(T result) implements Once<T> {}

    /** It had been done before, with this result. Now nothing was done. */
    record Again<T>(T result) implements Once<T> {}

    /** Something else was done under the key before. Now nothing was done. */
    record Reused<T>() implements Once<T> {}
}
