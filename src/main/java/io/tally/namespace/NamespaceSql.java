package io.tally.namespace;

/** The statements about namespaces. */
final class NamespaceSql {

    private NamespaceSql() {}

    /**
     * The first namespaces in some ranges. $1 the first names, $2 the first texts beyond, $3 the maximum. Each step
     * looks in the index for the next namespace, so the counters in between cost nothing.
     */
    static final String NAMES = """
            select n.namespace
              from unnest($1::text[], $2::text[]) r(low, high)
             cross join lateral (
               with recursive step as (
                 (select c.namespace from counter c
                   where c.namespace >= r.low and c.namespace < r.high order by c.namespace limit 1)
                 union all
                 select n.namespace from step s cross join lateral (
                   select c.namespace from counter c
                    where c.namespace > s.namespace and c.namespace < r.high order by c.namespace limit 1
                 ) n
               )
               select s.namespace from step s limit $3
             ) n
             order by n.namespace limit $3
            """;

    /**
     * The sizes of namespaces. $1 namespaces, $2 the maximum of counters that are counted in each. A pass that sorts a
     * large namespace has counted its counters.
     */
    static final String SIZES = """
            select n.namespace, c.counted, p.counters, p.full_at, t.now as transaction_time
              from (select now()) t
             cross join unnest($1::text[]) n(namespace)
             cross join lateral (
               select count(*) as counted from (select from counter c where c.namespace = n.namespace limit $2) x
             ) c
              left join ranking_pass p on p.namespace = n.namespace and p.full_at > '-infinity'
            """;
}
