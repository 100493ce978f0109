package io.tally.snapshot;

/** The statements of snapshots. */
final class SnapshotSql {

    private SnapshotSql() {}

    /** How many counters one step looks at: three milliseconds where none has changed, ten or so where all have. */
    static final int CHUNK = 1_000;

    /** $1 namespace. */
    static final String COUNT = """
            select count(*) as counters from counter where namespace = $1
            """;

    /**
     * Copies the next chunk and moves the job past it, in one transaction. $1 id of the job, $2 claim, $3 namespace, $4
     * the last name that is done, $5 lease in milliseconds. No row where the job is not as the sender saw it.
     *
     * <p>The chunk is a range of names, so that each part of the statement is one walk along the key, and no join could
     * be planned as something else. Only what has changed since the last snapshot is locked and written, and it is
     * locked in the order in which everybody locks counters.
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
              select name from counter
               where namespace = $3 and name > $4 and name <= (select reached from chunk)
                 and snapshot_value is distinct from value
               order by name for no key update
            ), copied as (
              update counter set snapshot_value = value
               where namespace = $3 and name > $4 and name <= (select max(name) from locked)
                 and snapshot_value is distinct from value
            ), progress as (
              select c.counters, coalesce(c.reached, $4) as reached, c.counters <\s""" + CHUNK + """
             as last from chunk c
            )
            update job j
               set done = j.done + p.counters, reached = p.reached,
                   total = case when p.last or j.total < j.done + p.counters then j.done + p.counters else j.total end,
                   state = case when p.last then 'done' else 'running' end,
                   finished_at = case when p.last then clock_timestamp() end,
                   lease_until = now() + $5 * interval '1 millisecond'
              from claimed k, progress p where j.id = k.id
            returning j.*
            """;
}
