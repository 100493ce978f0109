package io.tally.access;

/** The statements of {@link PostgresAccessKeys}. */
final class AccessKeySql {

    private static final String COLUMNS =
            "id, name, grants::text as grants, per_second, created_at, expires_at, last_used_at, revoked_at";

    private AccessKeySql() {}

    static final String GENERATION = "select pg_is_in_recovery() as replica, generation from access_generation";

    /** Also serializes the changes: each transaction begins with it. */
    static final String CHANGE = "update access_generation set generation = generation + 1";

    /** $1 the maximum of keys. Leaves room for one, if enough keys are revoked or expired. */
    static final String MAKE_ROOM = """
            delete from access_key where id in (
              select id from access_key
               where revoked_at is not null or expires_at <= now()
               order by least(revoked_at, expires_at), id
               limit greatest((select count(*) from access_key) + 1 - $1, 0))
            """;

    /** $1 id, $2 name, $3 grants, $4 requests per second, $5 expiry, $6 hash, $7 the maximum of keys. */
    static final String CREATE = """
            with present as materialized (
              select count(*) as keys from access_key
            )
            insert into access_key (id, name, grants, per_second, expires_at, secret_hash)
            select $1, $2, $3::text::jsonb, $4::integer, $5::timestamptz, $6::bytea
              from present p where p.keys < $7
            returning\s""" + COLUMNS;

    static final String FIND = "select " + COLUMNS + " from access_key where id = $1";

    /** $1 the name before the page, $2 the id before it, $3 the maximum of rows. */
    static final String LIST = "select " + COLUMNS + """
             from access_key where (name, id) > ($1 collate "C", $2 collate "C")
             order by name, id limit $3
            """;

    /** $1 id, $2 hash, $3 the grace in seconds. */
    static final String ROTATE = """
            update access_key
               set previous_hash = secret_hash, previous_until = now() + $3 * interval '1 second', secret_hash = $2
             where id = $1 and revoked_at is null and (expires_at is null or expires_at > now())
            returning\s""" + COLUMNS;

    /** $1 id. */
    static final String REVOKE = """
            update access_key
               set revoked_at = coalesce(revoked_at, t.now), previous_hash = null, previous_until = null
              from (select now() offset 0) t where id = $1
            returning\s""" + COLUMNS;

    /** $1 ids, $2 times. */
    static final String USED = """
            update access_key k set last_used_at = greatest(k.last_used_at, u.used_at)
              from unnest($1::text[], $2::timestamptz[]) as u(id, used_at)
             where k.id = u.id collate "C"
            """;

    static final String ALL = "select " + COLUMNS + ", secret_hash, previous_hash, previous_until from access_key";
}
