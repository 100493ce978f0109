package io.tally.access;

import io.tally.StartupException;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.springframework.util.StringUtils;

/** Which credentials requests need: {@code tally.access.mode}. */
public enum AccessMode {
    /** None, and the ports are bound to the loopback interface. */
    UNSET(false, false),
    /** None, on purpose. */
    OPEN(false, false),
    /** An access key or a root key. */
    KEYS(true, false),
    /** A token of an issuer. */
    JWT(false, true),
    /** Either. */
    KEYS_JWT(true, true);

    static final String KEY = "tally.access.mode";

    private final boolean keys;
    private final boolean jwt;

    AccessMode(boolean keys, boolean jwt) {
        this.keys = keys;
        this.jwt = jwt;
    }

    /**
     * Reads the value of the setting.
     *
     * @param text {@code null} or blank if it is not set
     * @throws StartupException if it is no mode
     */
    static AccessMode of(@Nullable String text) {
        if (!StringUtils.hasText(text)) {
            return UNSET;
        }
        Set<String> parts =
                new TreeSet<>(List.of(text.strip().toLowerCase(Locale.ROOT).split("\\s*,\\s*", -1)));
        return Arrays.stream(values())
                .filter(mode -> mode != UNSET && mode.parts().equals(parts))
                .findFirst()
                .orElseThrow(() -> new StartupException(
                        KEY + " is " + text + ", but must be open, keys, jwt or keys,jwt.",
                        "Set TALLY_ACCESS_MODE to one of these, or remove it to listen on 127.0.0.1 only."));
    }

    private Set<String> parts() {
        return new TreeSet<>(List.of(name().toLowerCase(Locale.ROOT).split("_", -1)));
    }

    /** Whether access keys and root keys are valid credentials. */
    public boolean hasKeys() {
        return keys;
    }

    /** Whether tokens of an issuer are valid credentials. */
    boolean hasTokens() {
        return jwt;
    }

    /** Whether requests need credentials. */
    public boolean isClosed() {
        return keys || jwt;
    }
}
