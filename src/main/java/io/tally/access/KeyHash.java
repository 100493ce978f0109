package io.tally.access;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/** The SHA-256 of a key. Immutable. */
final class KeyHash {

    /** Cloned for each use, which costs less than a search among the providers. */
    private static final MessageDigest SHA_256 = sha256();

    private final byte[] bytes;

    private KeyHash(byte[] bytes) {
        this.bytes = bytes;
    }

    /** The hash of a key. */
    static KeyHash of(String key) {
        try {
            return new KeyHash(((MessageDigest) SHA_256.clone()).digest(key.getBytes(StandardCharsets.UTF_8)));
        } catch (CloneNotSupportedException impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    /** A hash that was stored. */
    static KeyHash stored(byte[] bytes) {
        return new KeyHash(bytes.clone());
    }

    /** Whether both are the same, in constant time. */
    boolean matches(KeyHash other) {
        return MessageDigest.isEqual(bytes, other.bytes);
    }

    byte[] bytes() {
        return bytes.clone();
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException impossible) {
            throw new IllegalStateException(impossible);
        }
    }
}
