package io.tally.access;

import io.tally.access.AccessRefusals.Reason;
import io.tally.access.KeyPolls.PollResult;
import io.tally.access.KnownKey.Secret;
import io.tally.http.AccessControl.Access;
import io.tally.http.AccessControl.Pending;
import java.time.InstantSource;

/** Decides on access keys: at once on those in memory, after a poll on others. */
final class KeyAccess {

    private final KnownKeys known;
    private final KeyPolls polls;
    private final AccessRefusals refusals;
    private final InstantSource clock;

    KeyAccess(KnownKeys known, KeyPolls polls, AccessRefusals refusals, InstantSource clock) {
        this.known = known;
        this.polls = polls;
        this.refusals = refusals;
        this.clock = clock;
    }

    /** Decides on a token that begins as an access key does. */
    Access decide(String token) {
        String id = KeyFormat.id(token);
        if (id == null) {
            return refusals.deny(Reason.MALFORMED, "");
        }
        KnownKey key = known.find(id);
        KeyHash hash = KeyHash.of(token);
        long now = clock.millis();
        Secret secret = key == null ? null : key.secret(hash, now);
        if (key != null && secret != null) {
            return known.isTrusted()
                    ? key.decide(secret, now, refusals)
                    : refusals.deny(Reason.UNAVAILABLE, key.toString());
        }
        // The key may be new, or rotated on another instance.
        return KeyFormat.isIntact(token)
                ? new Pending(polls.poll().map(polled -> decideAfter(polled, id, hash)))
                : refusals.deny(Reason.MALFORMED, "");
    }

    private Access decideAfter(PollResult polled, String id, KeyHash hash) {
        return switch (polled) {
            case UNAVAILABLE -> refusals.deny(Reason.UNAVAILABLE, "the key " + id);
            case OVERLOADED -> refusals.deny(Reason.OVERLOADED, "the key " + id);
            case DONE -> decideKnown(id, hash);
        };
    }

    private Access decideKnown(String id, KeyHash hash) {
        KnownKey key = known.find(id);
        long now = clock.millis();
        Secret secret = key == null ? null : key.secret(hash, now);
        return key != null && secret != null
                ? key.decide(secret, now, refusals)
                : refusals.deny(Reason.UNKNOWN, "the key " + id);
    }
}
