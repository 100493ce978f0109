package io.tally.postgres;

/** The statements that write members. */
final class MemberSql {

    private MemberSql() {}

    /**
     * Whether a row {@code t} is the member of a move {@code m}. Compares whole rows, so that only a scan of the index
     * for each move fits: while the table has few rows, the planner would prefer to read all of them. The last
     * condition tells it that few rows match.
     */
    private static final String IS_MOVED = """
            (t.namespace, t.name, t.member)
                     >= (m.namespace collate "C", m.name collate "C", m.member collate "C")
                 and (t.namespace, t.name, t.member)
                     <= (m.namespace collate "C", m.name collate "C", m.member collate "C")
                 and t.member = m.member collate "C"
            """;

    /**
     * Adds and removes members, and changes their counters by the actual changes. $1 writer, $2 sequence; the counters,
     * each once: $3 namespaces, $4 names; the moves, each member once: $5 the position of the counter, $6 namespaces,
     * $7 names, $8 members, $9 whether they join.
     *
     * <p>The lock of a counter protects its members, so an insert without effect proves that the member had joined
     * before. A delete finds only rows of the statement's snapshot, which is older than the lock. If the locked row of
     * the counter is not the row of the snapshot, another writer changed the counter in between. Then the statement
     * leaves out the members that leave.
     *
     * <p>Combines results by grouping instead of joins, since the planner assumes ten rows for every array.
     */
    static final String MOVE = """
            with guard as (
              select id from writer where id = $1 and sequence = $2 - 1 for update
            ), item as materialized (
              select * from unnest($3::text[], $4::text[]) with ordinality as i(namespace, name, item)
               order by namespace collate "C", name collate "C"
            ), held as materialized (
              select i.item, i.namespace, i.name, c.value, c.version,
                     case when c.place is null then 0 when c.place = s.place then 2 else 1 end as state
                from item i
               cross join guard
                left join lateral (
                  select c.ctid as place, c.value, c.version from counter c
                   where c.namespace = i.namespace collate "C" and c.name = i.name collate "C"
                     and c.kind = 'members' for update
                ) c on true
                left join lateral (
                  select c.ctid as place from counter c
                   where c.namespace = i.namespace collate "C" and c.name = i.name collate "C" offset 0
                ) s on true
            ), states as materialized (
              select array_agg(h.state order by h.item) as of from held h
            ), move as materialized (
              select m.*, coalesce(s.of[m.item] = 2 or (m.joins and s.of[m.item] = 1), false) as taken
                from unnest($5::bigint[], $6::text[], $7::text[], $8::text[], $9::boolean[])
                       with ordinality as m(item, namespace, name, member, joins, position), states s
            ), came as (
              insert into member (namespace, name, member)
              select m.namespace, m.name, m.member from move m where m.taken and m.joins
               order by m.namespace collate "C", m.name collate "C", m.member collate "C"
              on conflict do nothing
              returning namespace, name, member
            ), went as (
              delete from member t using move m
               where m.taken and not m.joins and\s""" + IS_MOVED + """
              returning t.namespace, t.name, t.member
            ), effect as materialized (
              select max(e.position) as position, max(e.item) as item,
                     case when bool_or(e.taken) then bool_or(e.moved) end as moved, bool_or(e.joins) as joins
                from (select m.position, m.item, m.taken, m.joins, false as moved, m.namespace, m.name, m.member
                        from move m
                       union all
                      select null, null, null, null, true, namespace, name, member from came
                       union all
                      select null, null, null, null, true, namespace, name, member from went) e
               group by e.namespace, e.name, e.member
            ), level as materialized (
              select l.item, max(l.namespace) as namespace, max(l.name) as name, max(l.state) as state,
                     sum(l.value)::bigint as value, sum(l.version)::bigint as version,
                     sum(l.delta)::bigint as delta, sum(l.operations)::bigint as operations
                from (select h.item, h.namespace, h.name, h.state, h.value, h.version, 0 as delta, 0 as operations
                        from held h
                       union all
                      select e.item, null, null, null, null, null, case when e.joins then 1 else -1 end, 1
                        from effect e where e.moved) l
               group by l.item
            ), applied as (
              insert into counter as c (namespace, name, kind, value, version, updated_at)
              select l.namespace, l.name, 'members', l.delta, l.operations, t.now from level l, (select now()) t
               where l.operations > 0
               order by l.namespace collate "C", l.name collate "C"
              on conflict (namespace, name) do update
                 set value = c.value + excluded.value, version = c.version + excluded.version,
                     updated_at = excluded.updated_at
            ), outcome as (
              select array_agg(case when l.state > 0 then l.value + l.delta end order by l.item) as levels,
                     array_agg(case when l.state > 0 then l.version + l.operations end order by l.item) as versions,
                     coalesce(sum(l.delta), 0) as delta, coalesce(sum(l.operations), 0) as operations
                from level l
            ), moves as (
              select array_agg(e.moved order by e.position) as moved from effect e
            )
            update writer w
               set sequence = $2, operations = w.operations + o.operations, delta = w.delta + o.delta,
                   outcome_values = o.levels, outcome_versions = o.versions, outcome_moves = m.moved, seen_at = now(),
                   outcome_key_values = null, outcome_key_versions = null, outcome_key_fingerprints = null
              from guard g, outcome o, moves m where w.id = g.id
            returning w.outcome_values, w.outcome_versions, w.outcome_moves
            """;

    /** Those of the given members that exist. $1 namespaces, $2 names, $3 members. */
    static final String PRESENT = """
            select m.namespace, m.name, m.member
              from unnest($1::text[], $2::text[], $3::text[]) as i(namespace, name, member)
             cross join lateral (
                select * from member m
                 where m.namespace = i.namespace collate "C" and m.name = i.name collate "C"
                   and m.member = i.member collate "C"
                offset 0
              ) m
            """;

    /** Removes all members of counters. $1 namespaces, $2 names. */
    static final String EMPTY = """
            delete from member m using unnest($1::text[], $2::text[]) as i(namespace, name)
             where m.namespace = i.namespace collate "C" and m.name = i.name collate "C"
            """;

    /**
     * Removes existing members and adds new ones. $1 namespaces, $2 names, $3 members, $4 whether they join.
     */
    static final String APPLY_MEMBERSHIP = """
            with move as (
              select * from unnest($1::text[], $2::text[], $3::text[], $4::boolean[])
                         as m(namespace, name, member, joins)
            ), went as (
              delete from member t using move m
               where not m.joins and\s""" + IS_MOVED + """
            )
            insert into member (namespace, name, member) select namespace, name, member from move where joins
            returning 1
            """;
}
