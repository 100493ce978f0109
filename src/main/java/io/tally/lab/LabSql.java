package io.tally.lab;

import java.util.UUID;

/**
 * The statements of the lab's schema. The comment of the schema names its run: the lab does not change a foreign schema
 * named {@code lab}, and a run does not remove the schema of another run. The statements have no parameters, so the
 * driver prepares none of them.
 */
final class LabSql {

    private LabSql() {}

    private static final String MARK =
            "Made by the lost-update lab of Tally; goes away, with all that is in it, with run ";

    /** The SQLSTATE of a schema that would hide the service's tables. */
    static final String ON_PATH = "LAB01";

    /**
     * The comment of a schema named lab: no row without the schema, and an empty text without a comment.
     */
    static final String OWNER = """
            select coalesce(obj_description(oid, 'pg_namespace'), '') as mark from pg_namespace where nspname = 'lab'
            """;

    /** Posts with unique names, created before the first like. */
    static final String CONSTRAINED = """
            create table lab.post (
              id bigint generated always as identity primary key,
              name text not null unique,
              likes bigint not null default 0,
              version bigint not null default 0
            )
            """;

    /**
     * The same without the unique constraint on the name. A block, since Citus prepares the text of an index without
     * parameters, and a prepared statement has one command.
     */
    static final String UNCONSTRAINED = """
            do $$
            begin
              create table lab.post (
                id bigint generated always as identity primary key,
                name text not null,
                likes bigint not null default 0,
                version bigint not null default 0
              );
              create index on lab.post (name);
            end $$
            """;

    /** Copies of the service's tables for the fast path. */
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

    /** The prefix of the names of a run's counters. It excludes late writes of workers of another run. */
    static String prefix(UUID run) {
        return run + "/";
    }

    /** The stored likes of posts. $1 prefix. */
    static final String STORED_POSTS = """
            select coalesce(sum(likes), 0)::bigint as increments, count(*) - count(distinct name) as duplicates
              from lab.post where starts_with(name, $1)
            """;

    /** The stored values of the lanes' counters. $1 prefix. */
    static final String STORED_LANES = """
            select coalesce(sum(value), 0)::bigint as increments, count(*) - count(distinct name) as duplicates
              from lab.counter where starts_with(name, $1)
            """;

    /**
     * Creates the schema. Fails with {@link #ON_PATH} if the search_path of the user contains it, since its tables
     * would hide those of the service. (The path of a session lists only existing schemas, so the check follows the
     * creation.)
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

    /** Whether the lab wrote a comment. */
    static boolean isOurs(String mark) {
        return mark.startsWith(MARK);
    }
}
