package io.tally.lab;

import java.util.UUID;

/**
 * The statements of the lab's schema. The schema's comment names its run: the lab does not touch a foreign schema
 * called {@code lab}, and a run does not remove the schema of another run. These texts are sent without parameters, so
 * none is kept prepared.
 */
final class LabSql {

    private LabSql() {}

    private static final String MARK =
            "Made by the lost-update lab of Tally; goes away, with all that is in it, with run ";

    /** The SQLSTATE of a schema that would hide the service's tables. */
    static final String ON_PATH = "LAB01";

    /**
     * What the comment of a schema called lab says: a row where there is one, with an empty text where it says nothing.
     */
    static final String OWNER = """
            select coalesce(obj_description(oid, 'pg_namespace'), '') as mark from pg_namespace where nspname = 'lab'
            """;

    /** Posts whose names are their own, and which are there before the first like. */
    static final String CONSTRAINED = """
            create table lab.post (
              id bigint generated always as identity primary key,
              name text not null unique,
              likes bigint not null default 0,
              version bigint not null default 0
            )
            """;

    /** The same, but that two posts may have one name. */
    static final String UNCONSTRAINED = """
            create table lab.post (
              id bigint generated always as identity primary key,
              name text not null,
              likes bigint not null default 0,
              version bigint not null default 0
            );
            create index on lab.post (name)
            """;

    /** The tables of the fast path, as they are where the counters are kept. */
    static final String LANES = """
            do $$
            declare original record;
            begin
              for original in select relname, reloptions from pg_class
                               where oid in ('counter'::regclass, 'writer'::regclass) loop
                execute format('create table lab.%1$I (like %1$I including all)', original.relname);
                execute format('alter table lab.%I set (%s)', original.relname,
                               array_to_string(coalesce(original.reloptions, '{fillfactor=100}'), ', '));
              end loop;
              insert into lab.writer (id, lane, instance) values (0, 0, 'former writers');
            end $$
            """;

    /** Posts without likes. */
    static String posts(UUID run, int counters) {
        return "insert into lab.post (name) select '%s' || n from generate_series(0, %d) n"
                .formatted(prefix(run), counters - 1);
    }

    /** What the names of a run's counters begin with: what another run's last worker still writes is not counted. */
    static String prefix(UUID run) {
        return run + "/";
    }

    /** What posts say. $1 prefix. */
    static final String STORED_POSTS = """
            select coalesce(sum(likes), 0)::bigint as increments, count(*) - count(distinct name) as duplicates
              from lab.post where starts_with(name, $1)
            """;

    /** What the lanes' counters say. $1 prefix. */
    static final String STORED_LANES = """
            select coalesce(sum(value), 0)::bigint as increments, count(*) - count(distinct name) as duplicates
              from lab.counter where starts_with(name, $1)
            """;

    /**
     * Makes the schema, unless this user's sessions would find its tables where they look for the service's own: then
     * this fails with {@link #ON_PATH}. (Whether a schema is on the path shows when it is there.)
     */
    static String create(UUID run) {
        return """
                create schema lab;
                do $$ begin
                  if 'lab' = any (current_schemas(false)) then raise exception using errcode = '%s'; end if;
                end $$;
                comment on schema lab is '%s'
                """.formatted(ON_PATH, mark(run));
    }

    /** Removes the schema of a run. */
    static String drop(UUID run) {
        return drop("= '" + mark(run) + "'");
    }

    /** Removes the schema of any run. */
    static String dropAny() {
        return drop("like '" + MARK + "%'");
    }

    private static String drop(String whose) {
        return """
                do $$ begin
                  if exists (select from pg_namespace
                              where nspname = 'lab' and obj_description(oid, 'pg_namespace') %s) then
                    drop schema lab cascade;
                  end if;
                end $$
                """.formatted(whose);
    }

    private static String mark(UUID run) {
        return MARK + run;
    }

    /** Whether a comment is one that the lab wrote. */
    static boolean isOurs(String mark) {
        return mark.startsWith(MARK);
    }
}
