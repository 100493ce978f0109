package io.tally.member;

import static io.tally.postgres.CounterSql.IS_ALIVE;

/** The statements that read members. */
public final class MemberSql {

    private MemberSql() {}

    /** One member, and the counter in any case. $1 namespace, $2 name, $3 member. */
    static final String READ = """
            select c.kind, c.value, c.version,
                   exists (select from member m where m.namespace = $1 and m.name = $2 and m.member = $3) as member
              from counter c where c.namespace = $1 and c.name = $2 and\s""" + IS_ALIVE;

    /** A page of members. $1 namespace, $2 name, $3 the member before the page, $4 the maximum of members. */
    static final String PAGE = """
            select c.kind, m.member, m.joined_at
              from counter c
              left join lateral (
                select * from member m
                 where m.namespace = $1 and m.name = $2 and m.member > $3 order by m.member limit $4
              ) m on true
             where c.namespace = $1 and c.name = $2 and\s""" + IS_ALIVE + """

             order by m.member
            """;
}
