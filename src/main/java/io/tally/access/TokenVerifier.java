package io.tally.access;

import io.tally.http.AccessControl.Access;

/** Verifies tokens of an issuer. Safe for use by many threads. */
interface TokenVerifier {

    /**
     * Decides on a token. Never blocks: runs on the event loop for each request.
     *
     * @param token the text behind {@code Bearer}, never an access key; at most 8192 characters
     * @return {@code Granted} or {@code Denied} for a token that was verified before; {@code Pending} if the decision
     *     takes I/O
     */
    Access verify(String token);
}
