package io.tally.counter;

/**
 * The identity of a member of a counter.
 *
 * @param member 1 to 256 bytes of UTF-8 without control characters
 */
public record MemberId(CounterId counter, String member) {

    /**
     * Checks the member.
     *
     * @throws IllegalArgumentException with a message for the caller if it is malformed
     */
    public MemberId {
        Naming.requireName(member);
    }
}
