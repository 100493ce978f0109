package io.tally.access;

import io.tally.http.AccessControl.Granted;
import io.tally.http.Caller;
import io.tally.http.Grant;
import java.security.MessageDigest;
import java.util.List;
import org.springframework.http.HttpHeaders;

/** The configured keys that may do everything. They are not stored. */
final class RootKeys {

    /** The access of a request with a root key. All of them are one caller, so that they can be rotated. */
    static final Granted GRANTED = new Granted(new Caller("root", "root", List.of(Grant.ALL)), HttpHeaders.EMPTY);

    private final List<byte[]> hashes;

    RootKeys(List<String> keys) {
        hashes = keys.stream().map(KeyFormat::hash).toList();
    }

    /** Whether a token is a root key. Compares with all, in constant time. */
    boolean include(String token) {
        byte[] hash = KeyFormat.hash(token);
        boolean included = false;
        for (byte[] each : hashes) {
            included |= MessageDigest.isEqual(each, hash);
        }
        return included;
    }
}
