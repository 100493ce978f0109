package io.tally.postgres;

/**
 * The statements of the counter store. Every text is constant, since the driver caches a prepared statement for each
 * text; what varies is in array parameters. A write of sums is one round trip and one commit.
 */
public final class CounterSql {

    private CounterSql() {}

    /** The range of values to which a batch adds sums: no intermediate value of the batch can exceed 64 bits. */
    private static final String HALF_RANGE = "between -4611686018427387904 and 4611686018427387903";

    /**
     * The columns of the state of a counter {@code c}, but its id. With a star, a column of a later release would make
     * prepared statements fail.
     */
    public static final String STATE_COLUMNS = """
            c.kind, c.value, c.version, c.initial, c.min, c.max,
            c.period, c.period_start, c.period_end, c.period_version, c.expires_at, c.created_at, c.updated_at
            """;

    /** The value of a counter {@code c} at the time of the statement. */
    public static final String CURRENT_VALUE = currentValue("now()");

    /** Whether a counter {@code c} has not expired. */
    public static final String IS_ALIVE = """
            (c.expires_at is null or c.expires_at > now())
            """;

    /** The value of a counter {@code c} at a time. An update on Citus must take the time from a source row. */
    public static String currentValue(String time) {
        return "case when c.period_end <= " + time + " then coalesce(c.initial, 0) else c.value end\n";
    }

    /** Registers a writer. $1 writer, $2 instance, $3 lane. */
    static final String REGISTER = """
            insert into writer (id, instance, lane) values ($1, $2, $3)
            """;

    /**
     * Whether a row takes the sum of its group, all values on the way included. The clause of an upsert sees only the
     * row and {@code excluded}. A group whose operations have one sign moves in one direction, so its sum says enough;
     * of the others, parameters have the lowest and the highest change. $7 of several counters is an object of them:
     * <code>{"namespace/name":[-2,5]}</code>. The {@code case} keeps the sums within 64 bits.
     *
     * <p>The time of the statement is in {@code excluded.updated_at}. A row whose period began later, since another
     * transaction held its lock, takes the sum, too: an operation never counts before the period of its row.
     */
    private static final String FITS = fits(
            "($7::jsonb -> (c.namespace || '/' || c.name) ->> 0)::bigint",
            "($7::jsonb -> (c.namespace || '/' || c.name) ->> 1)::bigint");

    /** @param lowest the lowest change, or null for a sum of operations of one sign; so is {@code highest} */
    private static String fits(String lowest, String highest) {
        return """
                case when c.kind = 'plain' and c.value %1$s
                      then (c.min is null or c.min <= c.value + coalesce(%2$s, least(excluded.value, 0)))
                       and (c.max is null or c.max >= c.value + coalesce(%3$s, greatest(excluded.value, 0)))
                       and (c.period_end is null or c.period_end > excluded.updated_at)
                       and (c.expires_at is null or c.expires_at > excluded.updated_at)
                      else false end
            """.formatted(HALF_RANGE, lowest, highest);
    }

    /**
     * Looks for the counter of an item that must exist. Belongs to the query of the items: an insert whose own query
     * reads a table fails on Citus.
     */
    private static final String FOUND = """
            left join lateral (
                select true as found from counter c
                 where i.existing and c.namespace = i.namespace collate "C" and c.name = i.name collate "C" offset 0
              ) e on true
            """;

    /**
     * 1, or an error if an item that must exist has been created: another writer removed its counter after the start of
     * the statement. The version of an existing counter exceeds the number of operations, since it was 1 at least.
     */
    private static final String SOUND =
            "1 / case when bool_or(i.existing and a.version = i.operations) then 0 else 1 end";

    /**
     * Adds sums. $1 writer, $2 sequence, $3 namespaces, $4 names, $5 deltas, $6 numbers of operations, $7 the changes
     * on the way.
     *
     * <p>All statements lock rows in the same order, so that two writers cannot wait for each other. The statement
     * stores the outcomes in the writer's row, in the same commit: if the connection is lost, they answer the callers.
     */
    static final String ADD = add("", "", "", "", "", "");

    /** The same. $8 whether the counter must exist. */
    static final String ADD_TO_EXISTING = add(
            ", $8::boolean[]",
            "existing, ",
            FOUND,
            "where not i.existing or i.found",
            ", " + SOUND + " as sound",
            "and o.sound = 1");

    private static String add(String flags, String flag, String found, String isFound, String sound, String isSound) {
        return """
            with guard as (
              select id from writer where id = $1 and sequence = $2 - 1 for update
            ), item as (
              select * from unnest($3::text[], $4::text[], $5::bigint[], $6::bigint[]%1$s)
                       with ordinality as i(namespace, name, delta, operations, %2$sposition) %3$s
            ), applied as (
              insert into counter as c (namespace, name, value, version, updated_at)
              select i.namespace, i.name, i.delta, i.operations, t.now
                from item i cross join guard cross join (select now()) t %4$s
               order by i.namespace collate "C", i.name collate "C"
              on conflict (namespace, name) do update
                 set value = c.value + excluded.value, version = c.version + excluded.version,
                     updated_at = excluded.updated_at
               where %7$s
              returning namespace, name, value, version
            ), outcome as (
              select array_agg(a.value order by i.position) as levels,
                     array_agg(a.version order by i.position) as versions,
                     coalesce(sum(i.delta) filter (where a.version is not null), 0) as delta,
                     coalesce(sum(i.operations) filter (where a.version is not null), 0) as operations %5$s
                from item i left join applied a on a.namespace = i.namespace collate "C" and a.name = i.name collate "C"
            )
            update writer w
               set sequence = $2, operations = w.operations + o.operations, delta = w.delta + o.delta,
                   outcome_values = o.levels, outcome_versions = o.versions, seen_at = now(),
                   outcome_key_values = null, outcome_key_versions = null, outcome_key_fingerprints = null
              from guard g, outcome o where w.id = g.id %6$s
            returning w.outcome_values, w.outcome_versions, w.outcome_key_values
            """.formatted(flags, flag, found, isFound, sound, isSound, FITS);
    }

    /**
     * {@link #ADD} for one counter. $1 writer, $2 sequence, $3 namespace, $4 name, $5 delta, $6 number of operations,
     * $7 and $8 the lowest and the highest change on the way, null if all operations have one sign.
     *
     * <p>A hot counter has most of its batches for itself. Starting and joining the parts of {@link #ADD} takes longer
     * than the update of one row. This statement has neither arrays nor a join of rows.
     */
    static final String ADD_ONE = """
            with guard as (
              select id from writer where id = $1 and sequence = $2 - 1 for update
            ), applied as (
              insert into counter as c (namespace, name, value, version, updated_at)
              select $3::text, $4::text, $5::bigint, $6::bigint, t.now from guard cross join (select now()) t
              on conflict (namespace, name) do update
                 set value = c.value + excluded.value, version = c.version + excluded.version,
                     updated_at = excluded.updated_at
               where %s
              returning value, version
            ), outcome as (
              select g.id, array[a.value] as levels, array[a.version] as versions,
                     case when a.version is null then 0 else $5::bigint end as delta,
                     case when a.version is null then 0 else $6::bigint end as operations
                from guard g left join applied a on true
            )
            update writer w
               set sequence = $2, operations = w.operations + o.operations, delta = w.delta + o.delta,
                   outcome_values = o.levels, outcome_versions = o.versions, seen_at = now(),
                   outcome_key_values = null, outcome_key_versions = null, outcome_key_fingerprints = null
              from outcome o where w.id = o.id
            returning w.outcome_values, w.outcome_versions, w.outcome_key_values
            """.formatted(fits("$7::bigint", "$8::bigint"));

    /**
     * Adds sums and increments with keys. $1 to $8 as in {@link #ADD_TO_EXISTING}; the increments with keys: $9 the
     * position of the sum, $10 namespaces of the keys, $11 keys, $12 fingerprints, $13 deltas.
     *
     * <p>Adds the sums first, and then the increments whose keys are not stored, in their order. So each increment has
     * its own value, which the statement stores with its key in the same commit. If another connection stores one of
     * the keys first, this statement fails, and its retry finds the key.
     *
     * <p>Passes values on in arrays and window functions instead of joins: the planner assumes ten rows for every
     * array, and could plan a join of two arrays as a nested loop.
     */
    static final String ADD_KEYED = """
            with guard as (
              select id from writer where id = $1 and sequence = $2 - 1 for update
            ), keyed as materialized (
              select k.*, known.fingerprint as known, known.value, known.version
                from unnest($9::bigint[], $10::text[], $11::text[], $12::bigint[], $13::bigint[])
                       with ordinality as k(item, namespace, key, fingerprint, delta, position)
                left join lateral (
                  select * from idempotency_key i
                   where i.namespace = k.namespace collate "C" and i.key = k.key collate "C" offset 0
                ) known on true
            ), item as (
              select *
                from (select p.item, max(p.namespace) as namespace, max(p.name) as name,
                             sum(p.delta)::bigint as delta, sum(p.operations)::bigint as operations,
                             bool_or(p.existing) as existing,
                             (sum(p.delta) filter (where p.keyed))::bigint as keyed_delta,
                             (sum(p.operations) filter (where p.keyed))::bigint as keyed_operations
                        from (select i.item, i.namespace, i.name, i.delta, i.operations, i.existing, false as keyed
                                from unnest($3::text[], $4::text[], $5::bigint[], $6::bigint[], $8::boolean[])
                                       with ordinality as i(namespace, name, delta, operations, existing, item)
                               union all
                              select k.item, null, null, k.delta, 1, false, true
                                from keyed k where k.known is null) p
                       group by p.item) i
                     \s""" + FOUND + """
            ), applied as (
              insert into counter as c (namespace, name, value, version, updated_at)
              select i.namespace, i.name, i.delta, i.operations, t.now
                from item i cross join guard cross join (select now()) t
               where i.operations > 0 and (not i.existing or i.found)
               order by i.namespace collate "C", i.name collate "C"
              on conflict (namespace, name) do update
                 set value = c.value + excluded.value, version = c.version + excluded.version,
                     updated_at = excluded.updated_at
               where\s""" + FITS + """
              returning namespace, name, value, version
            ), outcome as materialized (
              select array_agg(a.value - coalesce(i.keyed_delta, 0) order by i.item) as levels,
                     array_agg(a.version - coalesce(i.keyed_operations, 0) order by i.item) as versions,
                     coalesce(sum(i.delta) filter (where a.version is not null), 0) as delta,
                     coalesce(sum(i.operations) filter (where a.version is not null), 0) as operations,
                     \s""" + SOUND + """
              as sound
                from item i left join applied a on a.namespace = i.namespace collate "C" and a.name = i.name collate "C"
            ), placed as (
              select k.*, (sum(k.delta) filter (where k.known is null) over earlier)::bigint as moved,
                     count(*) filter (where k.known is null) over earlier as nth
                from keyed k
              window earlier as (partition by k.item order by k.position)
            ), answer as materialized (
              select p.position, p.namespace, p.key, p.fingerprint, p.known, p.delta,
                     case when p.known is null then o.levels[p.item] + p.moved else p.value end as value,
                     case when p.known is null then o.versions[p.item] + p.nth else p.version end as version
                from placed p, outcome o
            ), remembered as (
              insert into idempotency_key (namespace, key, fingerprint, value, version, delta)
              select a.namespace, a.key, a.fingerprint, a.value, a.version, a.delta from answer a
               where a.known is null and a.version is not null
               order by a.namespace collate "C", a.key collate "C"
              returning 1
            ), answers as (
              select array_agg(a.value order by a.position) as levels,
                     array_agg(a.version order by a.position) as versions,
                     array_agg(a.known order by a.position) as known
                from answer a
            )
            update writer w
               set sequence = $2, operations = w.operations + o.operations, delta = w.delta + o.delta,
                   outcome_values = o.levels, outcome_versions = o.versions, outcome_key_values = a.levels,
                   outcome_key_versions = a.versions, outcome_key_fingerprints = a.known, seen_at = now()
              from guard g, outcome o, answers a where w.id = g.id and o.sound = 1
            returning w.outcome_values, w.outcome_versions,
                      w.outcome_key_values, w.outcome_key_versions, w.outcome_key_fingerprints
            """;

    /**
     * {@link #ADD_KEYED} for counters that may be absent and for keys that are not stored. It does not look for the
     * keys, and fails with a unique violation if one is stored. It stores no key of a counter that it leaves out, and
     * such a key may be known. So it divides by zero if it would leave out a counter with keys, and if the writer is
     * fenced. A statement that fails has applied nothing.
     *
     * <p>$1 to $7 as in {@link #ADD}, but $5 and $6 include the increments with keys; $8 the change by the increments
     * with keys, $9 their number. The increments with keys: $10 the position of the sum, $11 namespaces of the keys,
     * $12 keys, $13 fingerprints, $14 deltas. The increments of the same counter up to each one, it included: $15 their
     * change, $16 their number.
     */
    static final String ADD_NEW_KEYS = """
            with guard as (
              select id from writer where id = $1 and sequence = $2 - 1 for update
            ), item as (
              select * from unnest($3::text[], $4::text[], $5::bigint[], $6::bigint[], $8::bigint[], $9::bigint[])
                       with ordinality as i(namespace, name, delta, operations, keyed_delta, keyed_operations, position)
            ), applied as (
              insert into counter as c (namespace, name, value, version, updated_at)
              select i.namespace, i.name, i.delta, i.operations, t.now
                from item i cross join guard cross join (select now()) t
               where i.operations > 0
               order by i.namespace collate "C", i.name collate "C"
              on conflict (namespace, name) do update
                 set value = c.value + excluded.value, version = c.version + excluded.version,
                     updated_at = excluded.updated_at
               where\s""" + FITS + """
              returning namespace, name, value, version
            ), outcome as materialized (
              select array_agg(a.value - i.keyed_delta order by i.position) as levels,
                     array_agg(a.version - i.keyed_operations order by i.position) as versions,
                     coalesce(sum(i.delta) filter (where a.version is not null), 0) as delta,
                     coalesce(sum(i.operations) filter (where a.version is not null), 0) as operations,
                     1 / case when bool_or(i.keyed_operations > 0 and a.version is null) then 0 else 1 end as sound
                from item i left join applied a on a.namespace = i.namespace collate "C" and a.name = i.name collate "C"
            ), answer as materialized (
              select k.*, o.levels[k.item] + k.moved as value, o.versions[k.item] + k.nth as version
                from outcome o, unnest($10::bigint[], $11::text[], $12::text[], $13::bigint[], $14::bigint[],
                                       $15::bigint[], $16::bigint[])
                       with ordinality as k(item, namespace, key, fingerprint, delta, moved, nth, position)
            ), remembered as (
              insert into idempotency_key (namespace, key, fingerprint, value, version, delta)
              select a.namespace, a.key, a.fingerprint, a.value, a.version, a.delta from answer a
               where a.version is not null
               order by a.namespace collate "C", a.key collate "C"
              returning 1
            ), answers as (
              select array_agg(a.value order by a.position) as levels,
                     array_agg(a.version order by a.position) as versions,
                     array_agg(null::bigint) as known
                from answer a
            )
            update writer w
               set sequence = $2, operations = w.operations + o.operations, delta = w.delta + o.delta,
                   outcome_values = o.levels, outcome_versions = o.versions, outcome_key_values = a.levels,
                   outcome_key_versions = a.versions, outcome_key_fingerprints = a.known, seen_at = now()
              from guard g, outcome o, answers a where w.id = g.id and o.sound = 1
            returning w.outcome_values, w.outcome_versions,
                      w.outcome_key_values, w.outcome_key_versions, w.outcome_key_fingerprints
            """;

    /**
     * Locks counters, each looked up by its key, and returns them. $1 writer, $2 sequence, $3 namespaces, $4 names.
     * Returns a row for each requested counter, in the order of the request. The columns of a counter are null if it
     * does not exist; {@code guarded} is null if the writer is fenced.
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
            select g.id as guarded, now() as transaction_time, i.namespace, i.name,\s""" + STATE_COLUMNS + """
              from item i
              left join guard g on true
              left join locked c on c.position = i.position
             order by i.position
            """;

    /**
     * Like {@link #LOCK}, but also inserts the counters that do not exist, with version 0. One statement locks and
     * inserts, since inserting after locking would break the order of locks. The update that changes nothing makes the
     * statement return an existing counter in its locked state. The insert and the result take the time from the items:
     * Citus evaluates {@code now()} of an insert on the coordinator, and that of a query on the node of the table.
     */
    static final String CLAIM = """
            with guard as (
              select id from writer where id = $1 and sequence = $2 - 1 for update
            ), item as materialized (
              select i.*, now() as now
                from unnest($3::text[], $4::text[]) with ordinality as i(namespace, name, position)
            ), claimed as (
              insert into counter as c (namespace, name, value, version, created_at)
              select i.namespace, i.name, 0, 0, i.now from item i cross join guard
               order by i.namespace collate "C", i.name collate "C"
              on conflict (namespace, name) do update set version = c.version
              returning *
            )
            select g.id as guarded, i.now as transaction_time, i.namespace, i.name,\s""" + STATE_COLUMNS + """
              from item i
              left join guard g on true
              left join claimed c on c.namespace = i.namespace collate "C" and c.name = i.name collate "C"
             order by i.position
            """;

    /** The stored idempotency records of keys. $1 namespaces of the keys, $2 keys. */
    static final String KNOWN = """
            select i.namespace, i.key, i.fingerprint, i.value, i.version, i.delta, i.result
              from unnest($1::text[], $2::text[]) as k(namespace, key)
             cross join lateral (
                select * from idempotency_key i
                 where i.namespace = k.namespace collate "C" and i.key = k.key collate "C" offset 0
              ) i
            """;

    /** Whether the record of a request is stored. $1 scope, $2 key. */
    static final String HAS_REQUEST = """
            select pg_is_in_recovery() as replica, exists (
              select from idempotency_key where namespace = $1 collate "C" and key = $2 collate "C") as found
            """;

    /**
     * Whether the record of a line of an upload is stored. $1 scope, $2 key of the upload. The character after a slash
     * is a zero, so the range has all keys that begin with the key and a slash.
     */
    static final String HAS_LINE = """
            select pg_is_in_recovery() as replica, exists (
              select from idempotency_key
               where namespace = $1 collate "C"
                 and key >= ($2 || '/') collate "C" and key < ($2 || '0') collate "C") as found
            """;

    /** Whether a scope has a record. $1 scope. */
    static final String HAS_ANY = """
            select pg_is_in_recovery() as replica, exists (
              select from idempotency_key where namespace = $1 collate "C") as found
            """;

    /**
     * Writes the decision on the rows of {@link #LOCK} or {@link #CLAIM}, in the same transaction. $1 writer, $2
     * sequence; the counters: $3 namespaces, $4 names, $5 {@code change} or {@code remove}, $6 values, $7 versions, $8
     * min, $9 max, $10 whether the counter was deleted and created again, $13 kinds, $14 initial values; the periods:
     * $15 rules, $16 starts, $17 ends, $18 first versions; $19 times of expiry; $20 the time of the transaction; $11
     * the number of operations, $12 the change of the sum of all values.
     *
     * <p>A change is an upsert, since an upsert finds its row by the key under any plan. It always finds a row, since
     * {@link #CLAIM} inserted the missing ones.
     */
    static final String WRITE = """
            with item as (
              select * from unnest($3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::bigint[],
                                   $9::bigint[], $10::boolean[], $13::text[], $14::bigint[], $15::text[], $16::text[],
                                   $17::text[], $18::bigint[], $19::text[])
                         as i(namespace, name, change, value, version, min, max, anew, kind, initial, period,
                              period_start, period_end, period_version, expires_at)
            ), changed as (
              insert into counter as c (namespace, name, value, version, min, max, created_at, updated_at, kind,
                                        initial, period, period_start, period_end, period_version, expires_at)
              select i.namespace, i.name, i.value, i.version, i.min, i.max,
                     case when i.anew then $20::timestamptz else '-infinity' end, $20::timestamptz, i.kind,
                     i.initial, i.period,
                     i.period_start::timestamptz, i.period_end::timestamptz, i.period_version,
                     i.expires_at::timestamptz
                from item i where i.change = 'change'
              on conflict (namespace, name) do update
                 set value = excluded.value, version = excluded.version, min = excluded.min, max = excluded.max,
                     updated_at = excluded.updated_at, created_at = greatest(excluded.created_at, c.created_at),
                     snapshot_value = case when excluded.created_at > c.created_at then null
                                           else c.snapshot_value end,
                     kind = excluded.kind, initial = excluded.initial, period = excluded.period,
                     period_start = excluded.period_start, period_end = excluded.period_end,
                     period_version = excluded.period_version, expires_at = excluded.expires_at
            ), removed as (
              delete from counter c using item i
               where i.change = 'remove' and c.namespace = i.namespace collate "C" and c.name = i.name collate "C"
            )
            update writer
               set sequence = $2, operations = operations + $11, delta = delta + $12,
                   outcome_values = '{}', outcome_versions = '{}', seen_at = now(),
                   outcome_key_values = null, outcome_key_versions = null, outcome_key_fingerprints = null
             where id = $1 and sequence = $2 - 1
            """;

    /**
     * Records removed counters, so that their ended periods are removed later: there may be many. $1 namespaces, $2
     * names, $3 times of creation.
     */
    static final String REMOVED = """
            insert into removed_counter (namespace, name, created_at)
            select r.namespace, r.name, r.created_at::timestamptz
              from unnest($1::text[], $2::text[], $3::text[]) as r(namespace, name, created_at)
            on conflict do nothing
            """;

    /**
     * Stores ended periods. $1 namespaces, $2 names, $3 starts, $4 ends, $5 values, $6 times of creation of their
     * counters. After the clock was set back, a period of a new rule may end at the same time as one before.
     */
    static final String END_PERIODS = """
            insert into ended_period (namespace, name, started_at, ended_at, value, counter_created_at)
            select p.namespace, p.name, p.started_at::timestamptz, p.ended_at::timestamptz, p.value,
                   p.created_at::timestamptz
              from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[])
                     as p(namespace, name, started_at, ended_at, value, created_at)
            on conflict (namespace, name, counter_created_at, ended_at) do update
               set started_at = excluded.started_at, value = excluded.value
            """;

    /**
     * Stores idempotency records, after {@link #WRITE} and in the same transaction. $1 namespaces of the keys, $2 keys,
     * $3 fingerprints, $4 values, $5 versions, $6 deltas, $7 results other than those of increments. Returns a row for
     * each record: without {@code returning}, Citus reports a stored key as an internal error.
     */
    static final String REMEMBER = """
            insert into idempotency_key (namespace, key, fingerprint, value, version, delta, result)
            select * from unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[],
                                 $7::text[])
                            as k(namespace, key, fingerprint, value, version, delta, result)
             order by k.namespace collate "C", k.key collate "C"
            returning 1
            """;

    /** Moves a writer past a batch that was not committed, so that it can never commit. $1 writer, $2 sequence. */
    static final String SKIP_SEQUENCE = """
            update writer set sequence = $2, outcome_values = null, outcome_versions = null, seen_at = now()
             where id = $1 and sequence = $2 - 1
            """;

    /**
     * The stored outcome of the last batch. $1 writer. With synchronous replication, the commit of the batch may be
     * visible before a standby has it, if its wait was interrupted or the server restarted. So this statement writes,
     * too: its own commit waits until the standby has all commits before it.
     */
    static final String OUTCOME = """
            update writer set seen_at = now() where id = $1
            returning sequence, outcome_values, outcome_versions,
                      outcome_key_values, outcome_key_versions, outcome_key_fingerprints, outcome_moves
            """;

    /** Adds the books of a finished writer to row 0, that of former writers, and deletes its row. $1 writer. */
    static final String RETIRE = """
            with former as (delete from writer where id = $1 and id <> 0 returning operations, delta)
            update writer w set operations = w.operations + f.operations, delta = w.delta + f.delta, seen_at = now()
              from former f where w.id = 0
            """;

    /**
     * Removes keys that are older than the retention, the oldest first. Returns their number and the time of the last
     * one. $1 the time where the previous step ended, $2 retention in milliseconds, $3 the maximum of keys.
     *
     * <p>Begins where the previous step ended: from the beginning of the index, each step would read all entries that
     * were removed since the last vacuum. Skips keys that another instance is removing.
     */
    static final String PRUNE = """
            with expired as materialized (
              select ctid, created_at from idempotency_key
               where created_at >= $1 and created_at < now() - $2 * interval '1 millisecond'
               order by created_at limit $3 for update skip locked
            ), removed as (
              delete from idempotency_key where ctid = any (array(select ctid from expired)) returning 1
            )
            select (select count(*) from removed) as removed, (select max(created_at) from expired) as reached
            """;

    /**
     * Reads counters, each looked up by its key ({@code offset 0} keeps the planner from joining whole tables). $1
     * namespaces, $2 names. {@code replica} is whether the server is one, since a replica may lag.
     */
    static final String READ = """
            select pg_is_in_recovery() as replica, now() as transaction_time,
                   i.namespace, i.name,\s""" + STATE_COLUMNS + """
              from unnest($1::text[], $2::text[]) as i(namespace, name)
              left join lateral (
                select * from counter c
                 where c.namespace = i.namespace collate "C" and c.name = i.name collate "C" offset 0
              ) c on true
            """;
}
