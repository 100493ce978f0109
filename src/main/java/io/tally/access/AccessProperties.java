package io.tally.access;

import io.tally.StartupException;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.Assert;

/**
 * The access control. {@code application.yml} says how to choose the values.
 *
 * @param mode see {@link AccessMode}
 * @param rootKey one key that may do everything, or two separated by a comma; each has at least
 *     {@link #ROOT_KEY_LENGTH_MIN} visible US-ASCII characters
 * @param keysMax the maximum of access keys, 1 to 100,000; revoked and expired ones make room for others
 * @param instances the number of instances that share the rate of a key, 1 to 1,000
 */
@ConfigurationProperties("tally.access")
record AccessProperties(
        @Nullable String mode,
        @Nullable String rootKey,
        @DefaultValue("10000") int keysMax,
        @DefaultValue("1") int instances) {

    static final int ROOT_KEY_LENGTH_MIN = 32;

    private static final int ROOT_KEYS_MAX = 2;
    private static final int KEYS_LIMIT = 100_000;
    private static final int INSTANCES_LIMIT = 1_000;
    static final String ROOT_KEY = "tally.access.root-key";

    /**
     * Checks each value and the relations between them.
     *
     * @throws StartupException if the mode is none, or needs a root key
     * @throws IllegalArgumentException with the name of the invalid key
     */
    AccessProperties {
        if (AccessMode.of(mode).hasKeys()) {
            requireRootKeys(split(rootKey));
        }
        Assert.isTrue(
                keysMax >= 1 && keysMax <= KEYS_LIMIT, "tally.access.keys-max must be between 1 and " + KEYS_LIMIT);
        Assert.isTrue(
                instances >= 1 && instances <= INSTANCES_LIMIT,
                "tally.access.instances must be between 1 and " + INSTANCES_LIMIT);
    }

    AccessMode accessMode() {
        return AccessMode.of(mode);
    }

    /** The root keys. */
    List<String> rootKeys() {
        return split(rootKey);
    }

    private static List<String> split(@Nullable String rootKey) {
        return rootKey == null || rootKey.isBlank()
                ? List.of()
                : Stream.of(rootKey.split(",", -1)).map(String::strip).toList();
    }

    private static void requireRootKeys(List<String> rootKeys) {
        if (rootKeys.isEmpty()) {
            throw new StartupException(
                    "The access mode needs a root key, and " + ROOT_KEY + " is not set.",
                    "Set TALLY_ACCESS_ROOTKEY, or mount the file " + ROOT_KEY + " of a config tree, with at least "
                            + ROOT_KEY_LENGTH_MIN + " random characters (openssl rand -hex 32).");
        }
        if (rootKeys.size() > ROOT_KEYS_MAX || !rootKeys.stream().allMatch(AccessProperties::isRootKey)) {
            throw new StartupException(
                    ROOT_KEY + " must be one key, or two separated by a comma. Each must have at least "
                            + ROOT_KEY_LENGTH_MIN + " visible US-ASCII characters and must not begin with "
                            + KeyFormat.PREFIX + ".",
                    "Set TALLY_ACCESS_ROOTKEY to other random characters (openssl rand -hex 32).");
        }
    }

    private static boolean isRootKey(String key) {
        return key.length() >= ROOT_KEY_LENGTH_MIN
                && key.chars().allMatch(c -> c > ' ' && c < 0x7F)
                && !key.startsWith(KeyFormat.PREFIX);
    }

    /** Without the root key. */
    @Override
    public String toString() {
        return "AccessProperties[mode=" + mode + ", keysMax=" + keysMax + ", instances=" + instances + "]";
    }
}
