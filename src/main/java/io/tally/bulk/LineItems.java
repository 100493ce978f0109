package io.tally.bulk;

import org.springframework.http.ProblemDetail;

/** What the lines of a stream are read as. For one stream, one line at a time. */
public interface LineItems<T> {

    /**
     * The item that a line holds. What is wrong with it is an item, too: never throws.
     *
     * @param line its number in the stream, from 1, blank ones counted
     */
    T line(byte[] bytes, int from, int length, long line);

    /** The item that stands for a line that is not read, or for the rest of a stream that broke off. */
    T refused(long line, ProblemDetail problem);
}
