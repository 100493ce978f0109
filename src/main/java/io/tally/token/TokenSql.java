package io.tally.token;

import io.tally.postgres.CounterSql;

/** The statements of tokens. */
final class TokenSql {

    private TokenSql() {}

    /**
     * Issues a token if its text is free. $1 namespace, $2 text, $3 seconds until it expires, null for never. A row if
     * the text was free.
     *
     * <p>The unique index decides races; an expired token frees its text. The preceding check protects other callers:
     * without it, a caller that tries several texts would lock each conflicting token, and two such callers could wait
     * for each other.
     */
    static final String ISSUE = """
            with free as materialized (
              select i.namespace, i.token, now() as created_at, now() + i.ttl * interval '1 second' as expires_at
                from (values ($1::text, $2::text, $3::bigint)) as i(namespace, token, ttl)
               where not exists (
                  select from token p
                   where p.namespace = i.namespace collate "C" and p.token = i.token collate "C"
                     and p.state = 'pending' and (p.expires_at is null or p.expires_at > now()))
            )
            insert into token as t (namespace, token, created_at, expires_at)
            select namespace, token, created_at, expires_at from free
            on conflict (namespace, token) where state = 'pending' do update
               set created_at = excluded.created_at, expires_at = excluded.expires_at
             where t.expires_at <= excluded.created_at
            returning t.expires_at
            """;

    /** Executes a pending token. $1 namespace, $2 text. A row if the token was pending. */
    static final String EXECUTE = """
            update token set state = 'executed', executed_at = now()
             where namespace = $1 and token = $2 and state = 'pending' and (expires_at is null or expires_at > now())
            returning executed_at
            """;

    /**
     * The reason why {@link #EXECUTE} found no token. $1 namespace, $2 text. A pending token is younger than all
     * executed ones: if it expired, the expiry is the latest event.
     */
    static final String EXECUTED_BEFORE = """
            select exists (select from token where namespace = $1 and token = $2 and state = 'executed')
               and not exists (
                 select from token where namespace = $1 and token = $2 and state = 'pending' and expires_at <= now())
                   as executed
            """;

    /** As {@link CounterSql#PRUNE}; the retention counts from execution or expiry. */
    static final String PRUNE = """
            with ended as materialized (
              select ctid, coalesce(executed_at, expires_at) as ended_at from token
               where coalesce(executed_at, expires_at) >= $1
                 and coalesce(executed_at, expires_at) < now() - $2 * interval '1 millisecond'
               order by coalesce(executed_at, expires_at) limit $3 for update skip locked
            ), removed as (
              delete from token where ctid = any (array(select ctid from ended)) returning 1
            )
            select (select count(*) from removed) as removed, (select max(ended_at) from ended) as reached
            """;
}
