package io.tally.postgres;

/**
 * The statements at the heart. Every text is constant, since the driver keeps a prepared statement for each text it sees;
 * what varies travels in arrays. A batch is one round trip and one commit.
 */
final class CounterSql {

    private CounterSql() {}

    /** A fast batch stays within this, so that no operation of a batch passes 64 bits on the way to its sum. */
    private static final String HALF_RANGE = "between -4611686018427387904 and 4611686018427387904";

    /**
     * What a new connection is asked first. An acknowledged operation is durable, so a database that is set to acknowledge
     * before it has written is overruled, and whatever the setting is, a change of the server's does not reach this
     * connection.
     */
    static final String PREPARE = """
            select pg_is_in_recovery() as replica,
                   set_config('synchronous_commit',
                              case current_setting('synchronous_commit')
                                when 'off' then 'on' else current_setting('synchronous_commit') end,
                              false) as pinned
            """;

    /** $1 writer, $2 instance, $3 lane. */
    static final String REGISTER = """
            insert into writer (id, instance, lane) values ($1, $2, $3)
            """;

    /**
     * Adds sums. $1 writer, $2 sequence, $3 namespaces, $4 names, $5 deltas, $6 numbers of operations.
     *
     * <p>Rows are taken in one order everywhere, so that two writers cannot wait for each other. What the callers are to be
     * told is stored with the writer in the same commit: it answers them where the connection does not.
     */
    static final String ADD = """
            with guard as (
              select id from writer where id = $1 and sequence = $2 - 1 for update
            ), item as (
              select * from unnest($3::text[], $4::text[], $5::bigint[], $6::bigint[])
                       with ordinality as i(namespace, name, delta, operations, position)
            ), applied as (
              insert into counter as c (namespace, name, value, version)
              select i.namespace, i.name, i.delta, i.operations from item i, guard
               order by i.namespace collate "C", i.name collate "C"
              on conflict (namespace, name) do update
                 set value = c.value + excluded.value, version = c.version + excluded.version, updated_at = now()
               where c.kind = 'plain' and c.min is null and c.max is null and c.value\s""" + HALF_RANGE + """

              returning namespace, name, value, version
            ), outcome as (
              select array_agg(a.value order by i.position) as levels,
                     array_agg(a.version order by i.position) as versions,
                     coalesce(sum(i.delta) filter (where a.version is not null), 0) as delta,
                     coalesce(sum(i.operations) filter (where a.version is not null), 0) as operations
                from item i left join applied a on a.namespace = i.namespace collate "C" and a.name = i.name collate "C"
            )
            update writer w
               set sequence = $2, operations = w.operations + o.operations, delta = w.delta + o.delta,
                   outcome_values = o.levels, outcome_versions = o.versions, seen_at = now()
              from guard g, outcome o where w.id = g.id
            returning w.outcome_values, w.outcome_versions
            """;

    /**
     * Locks counters, each looked up by its key, and shows them. $1 writer, $2 sequence, $3 namespaces, $4 names. A row for each that is asked for, in
     * the order asked; its own columns are null where it does not exist, all of them where the fence does not hold.
     */
    static final String LOCK = """
            with guard as (
              select id from writer where id = $1 and sequence = $2 - 1 for update
            ), item as materialized (
              select * from unnest($3::text[], $4::text[]) with ordinality as i(namespace, name, position)
               order by namespace collate "C", name collate "C"
            ), locked as (
              select i.position, c.* from item i cross join guard
               cross join lateral (
                 select * from counter c
                  where c.namespace = i.namespace collate "C" and c.name = i.name collate "C" for update
               ) c
            )
            select g.id as guarded, now() as transaction_time, i.namespace, i.name,
                   l.kind, l.value, l.version, l.min, l.max, l.created_at, l.updated_at
              from item i
              left join guard g on true
              left join locked l on l.position = i.position
             order by i.position
            """;

    /**
     * Writes what was decided under {@link #LOCK}, in the same transaction. $1 writer, $2 sequence, $3 namespaces, $4 names,
     * $5 what to do, $6 values, $7 versions, $8 least values, $9 greatest values, $10 whether made anew, $11 operations,
     * $12 what the sum of all values grows by, $13 kinds.
     *
     * <p>A change is an upsert, because an upsert finds its row by the key under any plan.
     */
    static final String WRITE = """
            with item as (
              select * from unnest($3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::bigint[],
                                   $9::bigint[], $10::boolean[], $13::text[])
                         as i(namespace, name, change, value, version, min, max, anew, kind)
            ), made as (
              insert into counter (namespace, name, value, version, min, max, kind)
              select i.namespace, i.name, i.value, i.version, i.min, i.max, i.kind from item i where i.change = 'make'
               order by i.namespace collate "C", i.name collate "C"
            ), changed as (
              insert into counter as c (namespace, name, value, version, min, max, created_at, kind)
              select i.namespace, i.name, i.value, i.version, i.min, i.max, case when i.anew then now() else '-infinity' end, i.kind
                from item i where i.change = 'change'
              on conflict (namespace, name) do update
                 set value = excluded.value, version = excluded.version, min = excluded.min, max = excluded.max,
                     updated_at = now(), created_at = greatest(excluded.created_at, c.created_at),
                     kind = excluded.kind
            ), removed as (
              delete from counter c using item i
               where i.change = 'remove' and c.namespace = i.namespace collate "C" and c.name = i.name collate "C"
            )
            update writer
               set sequence = $2, operations = operations + $11, delta = delta + $12,
                   outcome_values = '{}', outcome_versions = '{}', seen_at = now()
             where id = $1 and sequence = $2 - 1
            """;

    /** Moves a writer past a batch that was not committed. $1 writer, $2 sequence. */
    static final String BURN = """
            update writer set sequence = $2, outcome_values = null, outcome_versions = null, seen_at = now()
             where id = $1 and sequence = $2 - 1
            """;

    /** What is stored with a batch. $1 writer. */
    static final String OUTCOME = """
            select sequence, outcome_values, outcome_versions from writer where id = $1
            """;

    /** Folds a writer into the books of the former ones, which have the id 0. $1 writer. */
    static final String RETIRE = """
            with former as (delete from writer where id = $1 and id <> 0 returning operations, delta)
            update writer w set operations = w.operations + f.operations, delta = w.delta + f.delta, seen_at = now()
              from former f where w.id = 0
            """;

    /**
     * Reads counters, each looked up by its key ({@code offset 0} keeps the planner from joining whole tables). $1
     * namespaces, $2 names. The server says of itself whether it is a replica.
     */
    static final String READ = """
            select pg_is_in_recovery() as replica, i.namespace, i.name,
                   c.kind, c.value, c.version, c.min, c.max, c.created_at, c.updated_at
              from unnest($1::text[], $2::text[]) as i(namespace, name)
              left join lateral (
                select * from counter c
                 where c.namespace = i.namespace collate "C" and c.name = i.name collate "C" offset 0
              ) c on true
            """;
}
