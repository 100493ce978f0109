package io.tally.postgres;

/**
 * The statements that prepare a new session. A role or a database may change the defaults of a session ({@code alter
 * role … set}), and some of these settings change the result of a statement. Statements correct them after the log-in:
 * a log-in with a setting that the server's version does not know would be refused.
 */
final class SessionSql {

    private SessionSql() {}

    /** Turns transaction_timeout off, if the server has it (PostgreSQL 17 on): it could end any transaction. */
    private static final String NO_TRANSACTION_TIMEOUT = """
            case when pg_catalog.current_setting('transaction_timeout', true) is not null
                 then pg_catalog.set_config('transaction_timeout', '0', false) end
            """;

    /**
     * Sent before {@link #PREPARE}. PostgreSQL's own functions and operators come first, so that none of another schema
     * hides them: a path that does not name their schema has it before all others. Temporary tables come last. $1 the
     * schema; null for the path of the log-in. A pooler may have dropped that path.
     */
    static final String RESOLVE = """
            select pg_catalog.set_config('search_path', pg_catalog.concat_ws(', ',
                     case when $1::pg_catalog.text is not null then pg_catalog.quote_ident($1)
                          when 'pg_catalog' operator(pg_catalog.=) any (pg_catalog.current_schemas(false))
                          then (select pg_catalog.string_agg(pg_catalog.quote_ident(s.name), ', ' order by s.place)
                                  from pg_catalog.unnest(pg_catalog.current_schemas(false))
                                         with ordinality as s(name, place)
                                 where s.name operator(pg_catalog.<>) 'pg_catalog')
                          when pg_catalog.current_setting('search_path') operator(pg_catalog.<>) ''
                          then pg_catalog.current_setting('search_path') end,
                     'pg_temp'), false),
            """ + NO_TRANSACTION_TIMEOUT;

    /**
     * The settings that differ from those that the statements need, each with the value to set. Planner settings get
     * PostgreSQL's defaults, except those that the log-in set. If the whole server is read-only, it stays so: managed
     * services do that when the disk is almost full.
     */
    private static final String DIFFERING = """
            select s.name, s.setting, coalesce(v.value, s.boot_val) as value,
                   s.context = 'user' or has_parameter_privilege(s.name, 'set') as allowed
              from pg_settings s
              left join (values
                -- An array element null is null, not the text "null".
                ('array_nulls', 'on'),
                ('standard_conforming_strings', 'on'),
                ('transform_null_equals', 'off'),
                -- A conflict ends the statement, not the session.
                ('exit_on_error', 'off'),
                -- Else an idle session might end while a statement is on its way, whose outcome would be unknown.
                ('idle_session_timeout', '0'),
                ('default_transaction_read_only', 'off'),
                ('default_table_access_method', 'heap'),
                -- Every day has 24 hours.
                ('TimeZone', 'UTC'),
                -- The driver reads every message that the server sends.
                ('client_min_messages', 'warning'),
                ('work_mem', '4096'),
                -- Only superusers set these: triggers and foreign keys hold, and a damaged page is an error.
                ('session_replication_role', 'origin'),
                ('zero_damaged_pages', 'off'),
                ('ignore_checksum_failure', 'off')
              ) as v(name, value) on v.name = s.name
             where s.setting <> coalesce(v.value, s.boot_val)
               and case
                     when s.name = 'default_transaction_read_only'
                       then s.source in ('database', 'user', 'database user')
                     when s.name = 'work_mem' then s.setting::bigint < 4096
                     when v.name is not null then true
                     else s.source <> 'client' and (
                       starts_with(s.name, 'enable_') or starts_with(s.name, 'geqo') or s.name in (
                         'from_collapse_limit', 'join_collapse_limit', 'constraint_exclusion', 'plan_cache_mode',
                         -- One setting: the second name is that of PostgreSQL 15.
                         'debug_parallel_query', 'force_parallel_mode'))
                   end
            """;

    /**
     * Corrects the settings. Returns whether the server is a replica, and the wrong settings that this user may not
     * change. Sets synchronous_commit to on if it is off, since an acknowledged operation must be durable. A setting of
     * the session also stays if the server's configuration changes later.
     */
    static final String PREPARE = "with differing as materialized (" + DIFFERING + """
            )
            select pg_is_in_recovery() as replica,
                   set_config('synchronous_commit',
                              case current_setting('synchronous_commit')
                                when 'off' then 'on' else current_setting('synchronous_commit') end,
                              false) as commits,
                   (select count(set_config(d.name, d.value, false)) from differing d where d.allowed) as pinned,
                   (select string_agg(d.name || ' = ' || d.setting, ', ' order by d.name)
                      from differing d where not d.allowed) as refused
            """;

    /**
     * The value of a requested setting {@code s(name, value)} on this server. Citus plans a statement on distributed
     * tables only with the values of its parameters: there, a forced generic plan fails.
     */
    static final String VALUE = """
            case when s.name = 'plan_cache_mode' and exists (select from pg_extension where extname = 'citus')
                 then 'force_custom_plan' else s.value end
            """;

    /**
     * Sent after {@link #PREPARE}, which removes time limits and resets settings of the planner. $1 names of settings,
     * $2 their values. The search path is resolved already.
     */
    static final String SET = "select count(set_config(s.name, " + VALUE + """
            , false)) from unnest($1::text[], $2::text[]) as s(name, value)
             where s.name <> 'search_path'
            """;

    /** Probes a silent connection: whether its server is a replica. Reads no table. */
    static final String PROBE = "select pg_is_in_recovery() as replica";

    /**
     * Prepares a session for migrations. It has no time-outs except lock_timeout, which protects other sessions. It
     * keeps its search_path, which names the schema to migrate.
     */
    static final String MIGRATE =
            "select set_config('statement_timeout', '0', false), " + NO_TRANSACTION_TIMEOUT + """
            , set_config('idle_in_transaction_session_timeout', '0', false),
              set_config('default_transaction_isolation', 'read committed', false);
            select count(set_config(d.name, d.value, false)) from (
            """ + DIFFERING + """
            ) d where d.allowed
            """;
}
