package io.tally.snapshot;

import static io.tally.postgres.CounterSql.CURRENT_VALUE;
import static io.tally.postgres.CounterSql.currentValue;

/** The statements of snapshots. */
final class SnapshotSql {

    private SnapshotSql() {}

    /** The number of counters in one step. A step takes 3 ms if none has changed, and about 10 ms if all have. */
    static final int CHUNK = 1_000;

    /** $1 namespace. */
    static final String COUNT = """
            select count(*) as counters from counter where namespace = $1
            """;

    /**
     * Copies the next chunk and moves the job past it, in one transaction. $1 id of the job, $2 claim, $3 namespace, $4
     * the last name that is done, $5 lease in milliseconds. No row if the job is not in the state of the claim.
     *
     * <p>The chunk is a range of names, so that each part of the statement is one index scan along the key. The
     * statement locks and writes only counters that have changed since the last snapshot, in the lock order of all
     * statements.
     */
    static final String STEP = """
            with claimed as materialized (
              select id from job
               where id = $1 and claims = $2 and reached = $4 and state = 'running' for update
            ), chunk as materialized (
              select count(*) as counters, max(n.name) as reached
                from (select name from counter
                       where namespace = $3 and name > $4 and exists (select 1 from claimed)
                       order by name limit\s""" + CHUNK + """
            ) n
            ), locked as materialized (
              select name from counter c
               where namespace = $3 and name > $4 and name <= (select reached from chunk)
                 and snapshot_value is distinct from\s""" + CURRENT_VALUE + """

               order by name for no key update
            ), copied as (
              update counter c set snapshot_value =\s""" + currentValue("t.now") + """

                from (select now() offset 0) t
               where namespace = $3 and name > $4 and name <= (select max(name) from locked)
                 and snapshot_value is distinct from\s"""
            + currentValue("t.now") + """
            ), progress as (
              select c.counters, coalesce(c.reached, $4) as reached, c.counters <\s""" + CHUNK + """
             as last from chunk c
            )
            update job j
               set done = j.done + p.counters, reached = p.reached,
                   total = case when p.last or j.total < j.done + p.counters then j.done + p.counters else j.total end,
                   state = case when p.last then 'done' else 'running' end,
                   finished_at = case when p.last then t.now end,
                   lease_until = t.lease_until
              from claimed k, progress p,
                   (select now(), now() + $5 * interval '1 millisecond' as lease_until offset 0) t
             where j.id = k.id
            returning j.*
            """;
}
