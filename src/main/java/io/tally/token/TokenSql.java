package io.tally.token;

import io.tally.postgres.CounterSql;

/** The statements about tokens. */
final class TokenSql {

    private TokenSql() {}

    /**
     * Issues a token where its text is free. $1 namespace, $2 text, $3 seconds until it expires, null for never. A row
     * where it was.
     *
     * <p>The index decides races; an expired token makes room. The look before that protects other callers: without it,
     * a caller that tries text after text would lock each token in its way, and two such callers would wait for each
     * other.
     */
    static final String ISSUE = """
            insert into token as t (namespace, token, expires_at)
            select i.namespace, i.token, now() + i.ttl * interval '1 second'
              from (values ($1::text, $2::text, $3::bigint)) as i(namespace, token, ttl)
             where not exists (
                select from token p
                 where p.namespace = i.namespace collate "C" and p.token = i.token collate "C" and p.state = 'pending'
                   and (p.expires_at is null or p.expires_at > now()))
            on conflict (namespace, token) where state = 'pending' do update
               set created_at = now(), expires_at = excluded.expires_at
             where t.expires_at <= now()
            returning t.expires_at
            """;

    /** Executes a pending token. $1 namespace, $2 text. A row where there was one. */
    static final String EXECUTE = """
            update token set state = 'executed', executed_at = now()
             where namespace = $1 and token = $2 and state = 'pending' and (expires_at is null or expires_at > now())
            returning executed_at
            """;

    /**
     * Why {@link #EXECUTE} found none. $1 namespace, $2 text. A pending token is younger than all that were executed:
     * where it expired, that is what happened last.
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
