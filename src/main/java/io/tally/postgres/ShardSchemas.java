package io.tally.postgres;

import io.tally.StartupException;
import io.tally.shard.Sharding;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The schemas of the shards. A single shard is in the schema of the URL or of the user's search path. Several are in
 * schemas with a number at the end: {@code tally_1}, {@code tally_2} and so on, or after another name that the URL has
 * in {@code currentSchema}.
 *
 * @param base the name before the number
 */
record ShardSchemas(Sharding sharding, String base) {

    private static final String DEFAULT_BASE = "tally";

    /** Lower case, so that no statement has to quote it, and short enough for the number. */
    private static final Pattern BASE = Pattern.compile("(?!pg_)[a-z_][a-z0-9_]{0,59}");

    /**
     * The schemas in a database.
     *
     * @throws StartupException if there are several shards and the URL has no single schema that can be their name
     */
    static ShardSchemas of(Sharding sharding, DatabaseUrl url) {
        String path = url.session().get("search_path");
        if (path == null) {
            return new ShardSchemas(sharding, DEFAULT_BASE);
        }
        if (sharding.count() > 1 && !BASE.matcher(path).matches()) {
            throw new StartupException(
                    "With tally.shards.count = " + sharding.count()
                            + ", the schema in TALLY_DATABASE_URL must have 1 to 60 of a-z, 0-9 and '_'.",
                    "Name one schema, such as ?currentSchema=acme for the schemas acme_1, acme_2 and so on, or none.");
        }
        return new ShardSchemas(sharding, path);
    }

    /** The schema of a shard; {@code null} if there is one shard, which is in the schema of its sessions. */
    @Nullable
    String of(int index) {
        return sharding.count() == 1 ? null : numbered(index);
    }

    /** The schema that a shard has if there are several. */
    String numbered(int index) {
        return base + "_" + Sharding.number(index);
    }
}
