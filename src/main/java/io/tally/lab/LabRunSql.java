package io.tally.lab;

/** The statements of the lab's runs. */
final class LabRunSql {

    private LabRunSql() {}

    /**
     * Starts a run. $1 strategy, $2 isolation, $3 workers, $4 increments, $5 counters. A row, or none if a run is
     * active. Also removes old runs, since starts are rare.
     */
    static final String START = """
            with removed as (
              delete from lab_run where state <> 'running' and id not in
                     (select id from lab_run order by started_at desc limit 99)
            )
            insert into lab_run (strategy, isolation, workers, increments, counters) values ($1, $2, $3, $4, $5)
            on conflict (state) where state = 'running' do nothing
            returning *
            """;

    /** The active run. */
    static final String RUNNING = """
            select * from lab_run where state = 'running'
            """;

    /** $1 id. */
    static final String FIND = """
            select * from lab_run where id = $1
            """;

    /** The latest first. */
    static final String LIST = """
            select * from lab_run order by started_at desc, id limit 100
            """;

    /** $1 id. */
    static final String STOP = """
            update lab_run set stopping = stopping or state = 'running' where id = $1 returning *
            """;

    /** Claims the run if its lease has expired. $1 lease in milliseconds. */
    static final String CLAIM = """
            update lab_run set claims = claims + 1, lease_until = now() + $1 * interval '1 millisecond'
             where id = (select id from lab_run
                          where state = 'running' and lease_until <= now() for update skip locked)
            returning *
            """;

    /** $1 id, $2 claim, $3 completed increments, $4 lease in milliseconds. */
    static final String PROGRESS = """
            update lab_run set done = $3, lease_until = now() + $4 * interval '1 millisecond'
             where id = $1 and claims = $2 and state = 'running'
            returning stopping
            """;

    /**
     * Ends a run with a result. $1 id, $2 claim, $3 completed increments, and the result: $4 acknowledged, $5 stored,
     * $6 duplicate rows, $7 errors, $8 retries, $9 seconds, $10 and $11 percentiles, $12 timed out.
     */
    static final String DONE = """
            update lab_run
               set state = 'done', done = $3, finished_at = now(), stopping = false, acknowledged = $4, stored = $5,
                   duplicate_rows = $6, errors = $7, retries = $8, seconds = $9, p50_ms = $10, p99_ms = $11,
                   timed_out = $12
             where id = $1 and claims = $2 and state = 'running'
            """;

    /** $1 id, $2 claim, $3 completed increments, $4 problem. */
    static final String FAIL = """
            update lab_run set state = 'failed', done = $3, finished_at = now(), stopping = false, problem = $4
             where id = $1 and claims = $2 and state = 'running'
            """;

    /** $1 id, $2 claim, $3 completed increments. */
    static final String CANCEL = """
            update lab_run set state = 'cancelled', done = $3, finished_at = now(), stopping = false
             where id = $1 and claims = $2 and state = 'running'
            """;
}
