package io.tally.access;

import io.tally.http.AccessControl.Granted;
import io.tally.http.Caller;
import io.tally.http.Grant;
import java.util.List;
import org.springframework.http.HttpHeaders;

/** The configured keys that may do everything. They are not stored. */
final class RootKeys {

    /** The access of a request with a root key. All of them are one caller, so that they can be rotated. */
    static final Granted GRANTED = new Granted(new Caller("root", "root", List.of(Grant.ALL)), HttpHeaders.EMPTY);

    private final List<KeyHash> hashes;

    RootKeys(List<String> keys) {
        hashes = keys.stream().map(KeyHash::of).toList();
    }

    /** Whether a token is a root key. Compares with all, in constant time. */
    boolean include(String token) {
        KeyHash hash = KeyHash.of(token);
        boolean included = false;
        for (KeyHash each : hashes) {
            included |= each.matches(hash);
        }
        return included;
    }
}
