package io.tally.period;

import static io.tally.postgres.CounterSql.IS_ALIVE;

import io.tally.period.Sweeps.Kind;

/** The statements of periods and of the passes over counters. */
final class PeriodSql {

    private PeriodSql() {}

    /**
     * A page of ended periods, the last one first. $1 namespace, $2 name, $3 the end of the period before the page,
     * {@code infinity} for the first page, $4 the maximum of periods. A row without a period if there is none, and no
     * row if the counter does not exist. The first period may be in the row of the counter, until the next one is
     * stored.
     */
    static final String PAGE = """
            select p.started_at, p.ended_at, p.value
              from counter c
              left join lateral (
                select * from (
                  select c.period_start as started_at, c.period_end as ended_at, c.value
                   where c.period_end <= now() and c.version > c.period_version
                   union all
                  (select e.started_at, e.ended_at, e.value from ended_period e
                    where e.namespace = $1 and e.name = $2 and e.counter_created_at = c.created_at
                      and e.ended_at < $3::timestamptz
                    order by e.ended_at desc limit $4)
                ) every
                 where every.ended_at < $3::timestamptz order by every.ended_at desc limit $4
              ) p on true
             where c.namespace = $1 and c.name = $2 and\s""" + IS_ALIVE + """

             order by p.ended_at desc
            """;

    /**
     * Removes ended periods that are older than the retention, the oldest first. Returns their number and the end of
     * the last one. $1 the end where the previous step stopped, $2 retention in milliseconds, $3 the maximum of
     * periods.
     */
    static final String PRUNE = """
            with expired as materialized (
              select ctid, ended_at from ended_period
               where ended_at >= $1 and ended_at < now() - $2 * interval '1 millisecond'
               order by ended_at limit $3 for update skip locked
            ), removed as (
              delete from ended_period where ctid = any (array(select ctid from expired)) returning 1
            )
            select (select count(*) from removed) as removed, (select max(ended_at) from expired) as reached
            """;

    /**
     * Removes ended periods of removed counters, and the record of these counters after the last one. Returns the
     * number of periods. $1 the maximum of counters, $2 the maximum of periods. Skips counters that another instance
     * handles.
     */
    static final String REMOVE = """
            with removed as materialized (
              select ctid, namespace, name, created_at from removed_counter limit $1 for update skip locked
            ), ended as materialized (
              select e.place from removed r
               cross join lateral (
                 select e.ctid as place from ended_period e
                  where e.namespace = r.namespace and e.name = r.name and e.counter_created_at = r.created_at
               ) e limit $2
            ), gone as (
              delete from ended_period where ctid = any (array(select place from ended))
            ), done as (
              delete from removed_counter
               where ctid = any (array(select ctid from removed)) and (select count(*) from ended) < $2
            )
            select (select count(*) from ended) as removed
            """;

    /**
     * Takes or keeps the lease of a kind of pass. $1 kind, $2 holder, $3 lease in milliseconds. No row if another
     * instance has it. A lease is renewed in its second half, so that an idle instance writes nothing most of the time.
     * A lease that is longer than its duration means that the clock was set back.
     */
    static final String CLAIM = """
            with renewed as (
              update sweep set holder = $2, lease_until = t.lease_end
                from (select now(), now() + $3 * interval '0.5 millisecond' as half,
                             now() + $3 * interval '1 millisecond' as lease_end offset 0) t
               where kind = $1
                 and lease_until not between case when holder = $2 then t.half else t.now end and t.lease_end
              returning kind
            )
            select case when s.reached > '-infinity' then s.reached end as reached, now() as transaction_time
              from sweep s left join renewed r on r.kind = s.kind
             where s.kind = $1
               and (r.kind is not null or (s.holder = $2 and s.lease_until > now()))
            """;

    /** Records that all counters up to a time have been swept. $1 kind, $2 holder, $3 time. */
    static final String REACHED = """
            update sweep set reached = $3::timestamptz where kind = $1 and holder = $2
            """;

    /** The counters whose periods are over: only those whose value the end of the period changes are due. */
    private static final String PERIODS = due("c.period_end", "c.value is distinct from coalesce(c.initial, 0)");

    private static final String EXPIRY = due("c.expires_at", "true");

    static String due(Kind kind) {
        return switch (kind) {
            case PERIODS -> PERIODS;
            case EXPIRY -> EXPIRY;
        };
    }

    /**
     * The next chunk of counters in the order of an index. After the position $1 end, $2 namespace, $3 name, to the end
     * $5; $4 the maximum of counters. Returns those that are due, and the last one in any case, each with the number of
     * counters.
     */
    private static String due(String end, String isDue) {
        return """
                with chunk as materialized (
                  select %1$s as ended_at, c.namespace, c.name, %2$s as due
                    from counter c
                   where %1$s <= $5::timestamptz and (%1$s, c.namespace, c.name) > ($1::timestamptz, $2, $3)
                   order by %1$s, c.namespace, c.name limit $4
                ), counted as (
                  select *, row_number() over (order by ended_at, namespace, name) as place,
                         count(*) over () as counters
                    from chunk
                )
                select ended_at, namespace, name, due, counters from counted where due or place = counters
                 order by place
                """.formatted(end, isDue);
    }
}
