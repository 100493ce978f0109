package io.tally.access;

import io.tally.access.AccessRefusals.Reason;
import io.tally.http.AccessControl;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Decides on the token of {@code Authorization: Bearer} (RFC 6750): an access key, a root key or another token. */
final class BearerAccess implements AccessControl {

    private static final String SCHEME = "Bearer ";

    private final @Nullable KeyAccess keys;
    private final RootKeys rootKeys;
    private final @Nullable TokenVerifier tokens;
    private final AccessRefusals refusals;

    /**
     * The access control of a closed mode.
     *
     * @param keys {@code null} if the mode has no keys; there are no root keys then
     * @param tokens {@code null} if the mode has no tokens
     */
    BearerAccess(@Nullable KeyAccess keys, RootKeys rootKeys, @Nullable TokenVerifier tokens, AccessRefusals refusals) {
        this.keys = keys;
        this.rootKeys = rootKeys;
        this.tokens = tokens;
        this.refusals = refusals;
    }

    @Override
    public Access decide(List<String> authorization) {
        if (authorization.isEmpty()) {
            return refusals.deny(Reason.MISSING, "");
        }
        if (authorization.size() > 1) {
            return refusals.deny(Reason.MALFORMED, "");
        }
        String value = authorization.getFirst();
        if (!value.regionMatches(/* ignoreCase= */ true, 0, SCHEME, 0, SCHEME.length())) {
            return refusals.deny(Reason.MISSING, "");
        }
        return decide(value.substring(SCHEME.length()).strip());
    }

    private Access decide(String token) {
        if (keys != null) {
            if (token.startsWith(KeyFormat.PREFIX)) {
                return keys.decide(token);
            }
            if (rootKeys.include(token)) {
                return RootKeys.GRANTED;
            }
        }
        if (token.isEmpty()) {
            return refusals.deny(Reason.MALFORMED, "");
        }
        return tokens == null ? refusals.deny(Reason.UNKNOWN, "") : observed(tokens.verify(token));
    }

    private Access observed(Access access) {
        return switch (access) {
            case Granted granted -> new Granted(granted.caller().observedBy(refusals), granted.fields());
            case Denied denied -> denied;
            case Pending pending -> new Pending(pending.access().map(this::observed));
        };
    }
}
