package io.tally.ranking;

import static io.tally.postgres.CounterSql.CURRENT_VALUE;
import static io.tally.postgres.CounterSql.IS_ALIVE;
import static io.tally.postgres.CounterSql.STATE_COLUMNS;

/** The statements about the order of counters. */
final class RankingSql {

    private RankingSql() {}

    /** The value minus that of the last snapshot, clamped to 64 bits. */
    private static final String GROWTH = """
            least(greatest((%s)::numeric - coalesce(c.snapshot_value, 0), -9223372036854775808),
                  9223372036854775807)::bigint
            """.formatted(CURRENT_VALUE);

    /** The retention of past orders, longer than a page can request them. */
    private static final String KEPT = "interval '5 minutes'";

    /** A pass is due within a minute. A later due time means that the clock was set back. */
    private static final String IS_DUE = "(p.due_at <= now() or p.due_at > now() + interval '2 minutes')";

    /**
     * The state of the order of a namespace. $1 namespace, $2 the maximum of counters of a small one plus one. Counts
     * the counters of a namespace that is not recorded as large, up to that number.
     */
    static final String STATE = """
            select coalesce(p.counters >= $2, false) as large,\s""" + IS_DUE + """
             as due,
                   case when p.passed_at > '-infinity' then p.passed_at end as passed_at,
                   case when p.counters >= $2 then p.counters
                        else (select count(*) from (select from counter c where c.namespace = $1 limit $2) x)
                   end as counters
              from (select 1) one left join ranking_pass p on p.namespace = $1
            """;

    /** Records the number of counters of a namespace. $1 namespace, $2 number. */
    static final String NOTE = """
            insert into ranking_pass (namespace, counters, due_at) values ($1, $2, now())
            on conflict (namespace) do update set counters = excluded.counters, due_at = excluded.due_at
            """;

    /** Whether a pass over a large namespace is due. $1 the maximum of counters of a small one. */
    static final String ANY_DUE = """
            select exists (select from ranking_pass p where p.counters > $1 and\s""" + IS_DUE + """
            ) as due
            """;

    /**
     * Locks a large namespace with a due pass, unless another instance holds the lock. $1 the maximum of counters of a
     * small one. A full pass finds changes without an update time: deleted counters, and snapshots.
     */
    static final String TAKE_DUE = """
            select p.namespace, p.passed_at,
                   p.full_at not between now() - interval '10 minutes' and now() or p.passed_at > now() or exists (
                     select from job j
                      where j.kind = 'snapshot' and j.namespace = p.namespace
                        -- A job ends before the commit that says so.
                        and (j.state = 'running' or j.finished_at >= p.full_at - interval '1 minute')) as full
              from ranking_pass p
             where p.counters > $1 and\s""" + IS_DUE + """

             order by p.due_at limit 1 for update of p skip locked
            """;

    /**
     * Stores the changed ranks; no other pass changes a row of the namespace while this one holds the lock. The time of
     * a pass is the start of its statement. The snapshot is younger, so it includes all operations acknowledged before
     * that time. The last rank of each counter is the one without an end. An upsert ends it, since an upsert finds its
     * row by the key under any plan.
     */
    private static final String WRITE = """
            ), pass as (
              select greatest(statement_timestamp(), p.passed_at + interval '1 microsecond') as at
                from ranking_pass p where p.namespace = $1
            ), ended as (
              insert into ranking as r (namespace, name, value, growth, since, until)
              select $1, m.ended, 0, 0, m.since, p.at from moved m, pass p where m.ended is not null
              on conflict (namespace, name, since) do update set until = excluded.until
              returning 1
            ), added as (
              insert into ranking (namespace, name, value, growth, since)
              select $1, m.name, m.value, m.growth, p.at from moved m, pass p where m.name is not null
              returning 1
            )
            """;

    /** A pass over every counter. $1 namespace, which is locked. */
    static final String PASS_FULL = """
            with state as materialized (
              select c.name,\s""" + CURRENT_VALUE + """
                     as value,\s""" + GROWTH + """
                     as growth
                from counter c where c.namespace = $1 and\s""" + IS_ALIVE + """

            ), moved as materialized (
              select s.name, s.value, s.growth, r.name as ended, r.since
                from state s
                full join (
                  select name, since, value, growth from ranking where namespace = $1 and until = 'infinity'
                ) r on r.name = s.name
               where s.value is distinct from r.value or s.growth is distinct from r.growth
            """ + WRITE + """
            update ranking_pass r set passed_at = p.at, full_at = p.at, counters = (select count(*) from state)
              from pass p where r.namespace = $1
            returning passed_at, (select count(*) from moved) as moved
            """;

    /**
     * A pass over the counters updated since the last pass. $1 namespace, which is locked, $2 a time before which every
     * transaction had ended when the last pass began.
     */
    static final String PASS = """
            with moved as materialized (
              select c.name, g.value, g.growth, r.name as ended, r.since
                from counter c
               cross join lateral (select\s""" + CURRENT_VALUE + """
                                    as value,\s""" + GROWTH + """
                                    as growth offset 0) g
                left join lateral (
                  select r.name, r.since, r.value, r.growth from ranking r
                   where r.namespace = $1 and r.name = c.name and r.until = 'infinity'
                   order by r.since desc limit 1 -- Only the primary key has this order.
                ) r on true
               where c.namespace = $1 and c.updated_at >= $2
                 and (g.value is distinct from r.value or g.growth is distinct from r.growth)
            """ + WRITE + """
            update ranking_pass r set passed_at = p.at
              from pass p where r.namespace = $1
            returning passed_at, (select count(*) from moved) as moved
            """;

    /**
     * Sets the due time of the next pass: passes take at most 5 % of the time and leave at most a thousand rows per
     * second. It is at most a minute away, since pages need a recent pass. $1 namespace, $2 the changed counters in the
     * last pass, $3 the minimum time between two passes in milliseconds.
     */
    static final String DUE = """
            update ranking_pass
               set due_at = d.at
              from (select statement_timestamp() + least(interval '1 minute',
                             greatest($3 * interval '1 millisecond',
                                      case when $3 > 0 then 20 * (statement_timestamp() - now()) end,
                                      $2 * interval '1 millisecond')) as at offset 0) d
             where namespace = $1
            """;

    /** Postpones a failed pass, so that other namespaces have their turn. $1 namespace. */
    static final String PUT_OFF = """
            update ranking_pass set due_at = statement_timestamp() + interval '1 minute' where namespace = $1
            """;

    /** Removes the rows that no page can request any more. $1 namespace. */
    static final String FORGET = """
            delete from ranking where namespace = $1 and until < 'infinity' and until < now() -\s""" + KEPT;

    /** The columns of a counter. */
    private static final String COUNTER = "c.namespace, c.name, c.snapshot_value, " + STATE_COLUMNS;

    /**
     * A page by name. $1 namespace, $2 the name before the page, $3 the maximum of counters, $4 the prefix of names.
     * Names with the prefix follow each other, so they are the first ones from the prefix on.
     */
    static final String BY_NAME = """
            select t.now as transaction_time, c.name as place, 0::bigint as rank,\s""" + COUNTER + """
              from (select now()) t
              left join lateral (
                select * from (
                  select * from counter c
                   where c.namespace = $1 and c.name > $2 and c.name >= $4 and\s""" + IS_ALIVE + """
                   order by c.name limit $3
                ) c where starts_with(c.name, $4)
              ) c on true
             order by c.name
            """;

    static final Pages BY_VALUE = Pages.by("value", ">", "asc");

    static final Pages BY_VALUE_DESCENDING = Pages.by("value", "<", "desc");
    static final Pages BY_GROWTH = Pages.by("growth", ">", "asc");
    static final Pages BY_GROWTH_DESCENDING = Pages.by("growth", "<", "desc");

    /**
     * Pages by value or growth. $1 namespace, $2 pass, $3 the maximum of counters, $4 the first rank; the next page
     * begins after that rank and $5 name. (No name is greater than all others in every encoding, so the first page has
     * no name.)
     */
    record Pages(String first, String next) {

        private static Pages by(String rank, String beyond, String direction) {
            return new Pages(
                    page(rank, direction, "r.%s %s= $4".formatted(rank, beyond)),
                    page(rank, direction, "(r.%s, r.name) %s ($4, $5)".formatted(rank, beyond)));
        }

        private static String page(String rank, String direction, String condition) {
            return """
                    select t.now as transaction_time, r.name as place, r.rank, %4$s
                      from (select now()) t
                      left join lateral (
                        select r.name, r.%1$s as rank from ranking r
                         where r.namespace = $1 and r.since <= $2 and r.until > $2 and %3$s
                         order by r.%1$s %2$s, r.name %2$s limit $3
                      ) r on true
                      left join lateral (
                        select * from counter c where c.namespace = $1 and c.name = r.name offset 0
                      ) c on true
                     order by r.rank %2$s, r.name %2$s
                    """.formatted(rank, direction, condition, COUNTER);
        }
    }
}
