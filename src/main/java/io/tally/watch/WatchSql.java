package io.tally.watch;

import static io.tally.postgres.CounterSql.STATE_COLUMNS;

/** The statement of live streams. */
final class WatchSql {

    private WatchSql() {}

    /**
     * Counters that have changed, each looked up by its key. $1 namespaces, $2 names, $3 versions last seen, 0 for
     * none, $4 their times of creation, null for none. A row for each changed counter, with its place in the arrays,
     * from 1; the other columns are null if the counter does not exist. Also a row for each counter whose period is
     * over or that has expired: its state is that of the stored one at the time of the statement.
     */
    static final String CHANGES = """
            select pg_is_in_recovery() as replica, now() as transaction_time, s.place,
                   c.namespace, c.name,\s""" + STATE_COLUMNS + """
              from unnest($1::text[], $2::text[], $3::bigint[], $4::text[])
                     with ordinality as s(namespace, name, version, created_at, place)
              left join lateral (
                select * from counter c
                 where c.namespace = s.namespace collate "C" and c.name = s.name collate "C" offset 0
              ) c on true
             where coalesce(c.version, 0) <> s.version or c.created_at is distinct from s.created_at::timestamptz
                or c.period_end <= now() or c.expires_at <= now()
            """;
}
