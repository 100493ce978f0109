package io.tally.job;

/** The statements of jobs. */
final class JobSql {

    private JobSql() {}

    /**
     * Starts a job. $1 kind, $2 namespace, $3 id. A row, or none if a job of the kind is running. Also removes old
     * jobs, since starts are rare.
     */
    static final String START = """
            with removed as (
              delete from job where finished_at < now() - interval '30 days'
            )
            insert into job (kind, namespace, id) values ($1, $2, $3)
            on conflict (kind, namespace) where state = 'running' do nothing
            returning *
            """;

    /** The running job. $1 kind, $2 namespace. */
    static final String RUNNING = """
            select * from job where kind = $1 and namespace = $2 and state = 'running'
            """;

    /** The running jobs, the oldest first. $1 the maximum. */
    static final String ALL_RUNNING = """
            select * from job where state = 'running' order by started_at limit $1
            """;

    /** $1 id. */
    static final String FIND = """
            select * from job where id = $1
            """;

    /**
     * Claims the job whose lease expired first. $1 kinds, $2 lease in milliseconds. Skips a row that another claim has
     * locked, or a step whose sender has timed out.
     */
    static final String CLAIM = """
            update job set claims = claims + 1, lease_until = now() + $2 * interval '1 millisecond'
             where id = (select id from job
                          where state = 'running' and lease_until <= now() and kind = any($1)
                          order by lease_until limit 1 for update skip locked)
            returning *
            """;

    /**
     * Sets the lease, and the total unless it is null. $1 id, $2 claim, $3 lease in milliseconds from now, $4 total.
     */
    static final String LEASE = """
            update job set lease_until = now() + $3 * interval '1 millisecond', total = coalesce($4, total)
             where id = $1 and claims = $2 and state = 'running'
            """;

    /** $1 id, $2 claim, $3 problem. */
    static final String FAIL = """
            update job set state = 'failed', finished_at = now(), problem = $3
             where id = $1 and claims = $2 and state = 'running'
            """;
}
