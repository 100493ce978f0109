package io.tally.name;

/** The statements of {@link PostgresNames}. */
final class NameSql {

    private NameSql() {}

    /**
     * $1 namespaces, $2 keys. A row for each; the name's columns are null if it does not exist. The first column says
     * whether the server is a replica.
     */
    static final String FIND = """
            select pg_is_in_recovery() as replica, i.namespace, i.key, n.name, n.id, n.created_by
              from unnest($1::text[], $2::text[]) as i(namespace, key)
              left join lateral (
                select * from name n
                 where n.namespace = i.namespace collate "C" and n.key = i.key collate "C" offset 0
              ) n on true
            """;

    /**
     * $1 namespace, $2 id. One row, as {@link #FIND} has them.
     *
     * <p>Compares whole rows, so that only the index on the id fits. With a condition for each column, the planner
     * might take the primary key while each namespace has few names.
     */
    static final String FIND_ID = """
            select pg_is_in_recovery() as replica, i.namespace, n.key, n.name, n.id, n.created_by
              from (values ($1::text, $2::bigint)) as i(namespace, id)
              left join name n
                on (n.id, n.namespace) >= (i.id, i.namespace collate "C")
               and (n.id, n.namespace) <= (i.id, i.namespace collate "C")
            """;

    /**
     * Locks the rows that hand out the ids of namespaces, and creates missing ones. $1 namespaces, each once.
     *
     * <p>All transactions lock these rows in the same order, so that they cannot deadlock.
     */
    static final String LOCK = """
            insert into name_space as s (namespace)
            select i.namespace from unnest($1::text[]) as i(namespace) order by i.namespace collate "C"
            on conflict (namespace) do update set last_id = s.last_id
            """;

    /**
     * Creates the names that do not exist, and returns all; after {@link #LOCK}, in the same transaction. $1
     * namespaces, $2 keys, $3 names, $4 creators; each key once.
     *
     * <p>A separate statement, because it must see the commits that {@link #LOCK} waited for. So it knows which names
     * are new before it takes ids: a sequence, or an insert that runs into a conflict, would use up ids.
     */
    static final String CREATE = """
            with item as materialized (
              select i.*, n.name as known, n.id, n.created_by
                from unnest($1::text[], $2::text[], $3::text[], $4::bigint[])
                       with ordinality as i(namespace, key, name, creator, position)
                left join lateral (
                  select * from name n
                   where n.namespace = i.namespace collate "C" and n.key = i.key collate "C" offset 0
                ) n on true
            ), fresh as materialized (
              select f.namespace, f.key, f.name, s.last_id + f.nth as id, f.creator
                from (select i.*, row_number() over (partition by i.namespace order by i.position) as nth
                        from item i where i.id is null) f
               cross join lateral (
                  select * from name_space s where s.namespace = f.namespace collate "C" offset 0
                ) s
            ), made as (
              insert into name as n (namespace, key, name, id, created_by)
              select f.namespace, f.key, f.name, f.id, f.creator from fresh f
              returning n.namespace, n.key, n.name, n.id, n.created_by
            ), moved as (
              insert into name_space as s (namespace, last_id)
              select f.namespace, count(*) from fresh f group by f.namespace
              on conflict (namespace) do update set last_id = s.last_id + excluded.last_id
            )
            select false as replica, namespace, key, name, id, created_by from made
             union all
            select false, namespace, key, known, id, created_by from item where id is not null
            """;
}
