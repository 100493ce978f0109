package io.tally.postgres;

import io.r2dbc.postgresql.api.PostgresqlConnection;
import io.tally.StartupException;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.util.function.Tuple2;

/**
 * Checks at the start whether the service can work in its sessions: encoding, settings, poolers, tables and rights. A
 * failed check is a {@link StartupException}. Each new connection itself checks that the server is a primary.
 */
final class DatabaseProof {

    private static final Logger log = LoggerFactory.getLogger(DatabaseProof.class);

    /** The tables of the migrations. */
    static final List<String> TABLES = List.of(
            "access_generation",
            "access_key",
            "counter",
            "ended_period",
            "idempotency_key",
            "job",
            "lab_run",
            "member",
            "name",
            "name_space",
            "ranking",
            "ranking_pass",
            "removed_counter",
            "shard",
            "sweep",
            "token",
            "writer");

    /**
     * The session and its settings. $1 names of settings, $2 requested values. Sets each value for the transaction to
     * compare it in the server's own spelling, since the server returns 2000ms as 2s.
     */
    private static final String SESSION = """
            with asked as materialized (
              select s.name,\s""" + SessionSql.VALUE + """
                     as value, current_setting(s.name, true) as found
                from unnest($1::text[], $2::text[]) s(name, value)
            ), compared as (
              select name, value, found, set_config(name, value, true) as meant from asked
            )
            select pg_backend_pid() as process,
                   current_database()::text as database,
                   coalesce(current_schema()::text, '') as schema,
                   current_setting('server_encoding') as encoding,
                   (select string_agg(name || ' = ' || value || ' (found: ' || coalesce(found, '') || ')',
                                      ', ' order by name)
                      from compared where found is distinct from meant) as lost
            """;

    private static final String PROCESS = "select pg_backend_pid() as process";

    /** The schema of each table and the missing rights. $1 tables. */
    private static final String RIGHTS = """
            select t.name, c.relnamespace::regnamespace::text as schema, current_user::text as username,
                   (select string_agg(p.name, ', ')
                      from unnest(array['select', 'insert', 'update', 'delete']) p(name)
                     where not has_table_privilege(c.oid, p.name)) as lacking
              from unnest($1::text[]) t(name) left join pg_class c on c.oid = to_regclass(quote_ident(t.name))
             order by t.name
            """;

    /**
     * The connections for the user of the session. The setting reserved_connections exists from PostgreSQL 16 on. A
     * limit of -1 means none, and superusers have none.
     */
    private static final String CONNECTIONS = """
            select least(current_setting('max_connections')::integer
                           - current_setting('superuser_reserved_connections')::integer
                           - coalesce(current_setting('reserved_connections', true)::integer, 0),
                         case when not r.rolsuper then nullif(r.rolconnlimit, -1) end,
                         case when not r.rolsuper then nullif(d.datconnlimit, -1) end) as connections
              from pg_roles r, pg_database d
             where r.rolname = current_user and d.datname = current_database()
            """;

    /** The schemas that do not exist or that the user may not use; null if there are none. $1 schemas. */
    private static final String UNUSABLE = """
            select string_agg(s.name, ', ' order by s.place) as schemas
              from unnest($1::text[]) with ordinality as s(name, place)
              left join pg_namespace n on n.nspname = s.name
             where n.oid is null or not has_schema_privilege(n.oid, 'usage')
            """;

    /**
     * The version of Citus, and what is missing there; no row without Citus. Citus passes the settings of a role on to
     * the workers, and not those of a session.
     */
    private static final String CITUS = """
            select e.extversion as version,
                   coalesce(current_setting('citus.enable_schema_based_sharding', true), 'off') = 'on' as sharding,
                   (select string_agg(s.name || ' = ' || s.value, ', ' order by s.name)
                      from (values ('enable_seqscan', 'off'), ('jit', 'off'), ('lock_timeout', '2s')) s(name, value)
                     where not exists (
                       select from pg_db_role_setting r cross join unnest(r.setconfig) c(setting)
                        where r.setrole in (0, (select oid from pg_roles where rolname = current_user))
                          and split_part(c.setting, '=', 1) = s.name)) as missing
              from pg_extension e where e.extname = 'citus'
            """;

    private final Map<String, String> settings;

    /** @param settings those that the service requests when it opens a session */
    DatabaseProof(Map<String, String> settings) {
        this.settings = settings;
    }

    private record Session(
            int process,
            String database,
            String schema,
            String encoding,
            @Nullable String lost) {}

    private record Table(
            String name,
            @Nullable String schema,
            String username,
            @Nullable String lacking) {}

    /**
     * Checks the encoding, the settings, and that each connection keeps its own server session. If a pooler shares
     * sessions by transaction, the second of two idle connections gets the session that the first one just used.
     *
     * @return the first existing schema of the search path; an empty text if none exists
     */
    Mono<String> requireSessions(LaneConnection one, LaneConnection other) {
        return one.use(this::session)
                .doOnNext(session -> {
                    requireUnicode(session);
                    requireSettings(session);
                })
                // One after the other: if both failed at once, the second error would be dropped, and logged.
                .zipWhen(session -> other.use(this::session))
                .flatMap(sessions -> Flux.concat(one.use(DatabaseProof::process), other.use(DatabaseProof::process))
                        .collectList()
                        .doOnNext(processes -> requireSameProcesses(sessions, processes))
                        .thenReturn(sessions.getT1().schema()));
    }

    private Mono<Session> session(PostgresqlConnection connection) {
        List<Map.Entry<String, String>> asked = List.copyOf(settings.entrySet());
        return Statements.one(
                connection
                        .createStatement(SESSION)
                        .bind("$1", asked.stream().map(Map.Entry::getKey).toArray(String[]::new))
                        .bind("$2", asked.stream().map(Map.Entry::getValue).toArray(String[]::new)),
                row -> new Session(
                        Objects.requireNonNull(row.get("process", Integer.class)),
                        CounterRows.text(row, "database"),
                        CounterRows.text(row, "schema"),
                        CounterRows.text(row, "encoding"),
                        row.get("lost", String.class)));
    }

    private static Mono<Integer> process(PostgresqlConnection connection) {
        return Statements.one(
                connection.createStatement(PROCESS), row -> Objects.requireNonNull(row.get("process", Integer.class)));
    }

    private static void requireUnicode(Session session) {
        if (!session.encoding().equals("UTF8")) {
            throw new StartupException(
                    "The database " + session.database() + " has the encoding " + session.encoding()
                            + ", and Tally needs UTF8.",
                    "Create another and name it in TALLY_DATABASE_URL: create database tally encoding 'UTF8' locale 'C'"
                            + " template template0;");
        }
    }

    private static void requireSettings(Session session) {
        if (session.lost() != null) {
            throw new StartupException(
                    "The database's sessions lack settings that Tally requested: " + session.lost() + ".",
                    "A pooler dropped them, or the server overrules them. Connect to PostgreSQL directly, or see the"
                            + " section PgBouncer of src/docs/operations.md.");
        }
    }

    private static void requireSameProcesses(Tuple2<Session, Session> sessions, List<Integer> processes) {
        int first = sessions.getT1().process();
        int second = sessions.getT2().process();
        if (first == second || !processes.equals(List.of(first, second))) {
            throw pooled("the server process behind a connection changes, or serves two connections");
        }
    }

    /** The refusal of a pooler. {@code evidence} is the observation that proves it. */
    static StartupException pooled(String evidence) {
        return new StartupException(
                "A pooler gives the statements of one connection to different sessions: " + evidence + ".",
                "Use pool_mode = session for Tally in PgBouncer, or connect to PostgreSQL directly: Tally pools its"
                        + " connections itself.");
    }

    /** Logs the version of Citus, and settings that the workers lack. Nothing without Citus. */
    Mono<Void> noteCitus(LaneConnection session) {
        return session.use(connection -> Statements.one(connection.createStatement(CITUS), row -> {
                    log.info("The database has Citus {}: sessions use custom plans", CounterRows.text(row, "version"));
                    if (!CounterRows.is(row, "sharding")) {
                        log.warn(
                                "citus.enable_schema_based_sharding is off: new schemas stay on the coordinator. Set it"
                                        + " for the database before the first start.");
                    }
                    String missing = row.get("missing", String.class);
                    if (missing != null) {
                        log.warn(
                                "The workers lack settings of Tally's sessions, so statements may be slow, or wait for"
                                        + " locks too long. Set them for the role: {}",
                                missing);
                    }
                    return true;
                }))
                .then();
    }

    /** Checks that the server has connections for an instance. */
    Mono<Void> requireConnections(LaneConnection session, ConnectionNeeds needs) {
        return session.use(connection -> Statements.one(
                        connection.createStatement(CONNECTIONS),
                        row -> Objects.requireNonNull(row.get("connections", Integer.class))))
                .doOnNext(available -> requireConnections(available, needs))
                .then();
    }

    private static void requireConnections(int available, ConnectionNeeds needs) {
        if (needs.total() <= available) {
            return;
        }
        String shortage = "An instance needs up to " + needs.total() + " connections with tally.shards.count = "
                + needs.shards() + ", and the database has " + available + " for its user.";
        if (needs.shards() == 1) {
            // It opens most of them only under load, and earlier releases did not check.
            log.warn("{} Raise max_connections, or the limit of the user or the database.", shortage);
        } else {
            throw new StartupException(
                    shortage,
                    "Raise max_connections to that number for each instance, or the limit of the user or the database,"
                            + " or lower tally.pipeline.lanes or tally.database.read-connections-max.");
        }
    }

    /** Checks that the service may use the schemas of several shards. One message names all that it may not use. */
    Mono<Void> requireUsage(LaneConnection session, ShardSchemas schemas) {
        int count = schemas.sharding().count();
        return count == 1
                ? Mono.empty()
                : session.use(connection -> Statements.one(
                                connection
                                        .createStatement(UNUSABLE)
                                        .bind(
                                                "$1",
                                                IntStream.range(0, count)
                                                        .mapToObj(schemas::numbered)
                                                        .toArray(String[]::new)),
                                row -> Optional.ofNullable(row.get("schemas", String.class))))
                        .doOnNext(unusable -> unusable.ifPresent(DatabaseProof::refuseUsage))
                        .then();
    }

    private static void refuseUsage(String unusable) {
        throw new StartupException(
                "The service's user does not find the schemas " + unusable + ", or may not use them.",
                "Grant it: grant usage on schema " + unusable + " to …; and select, insert, update, delete on all"
                        + " tables in them. Without the schemas, apply all migrations, or remove"
                        + " spring.flyway.enabled=false.");
    }

    /** Checks that the service finds all its tables in one schema, and has the rights on them. */
    Mono<Void> requireTables(LaneConnection session) {
        return session.use(DatabaseProof::tables)
                .doOnNext(tables -> {
                    requireFound(tables);
                    requireRights(tables);
                })
                .then();
    }

    private static Mono<List<Table>> tables(PostgresqlConnection connection) {
        return Statements.all(
                connection.createStatement(RIGHTS).bind("$1", TABLES.toArray(String[]::new)),
                row -> new Table(
                        CounterRows.text(row, "name"),
                        row.get("schema", String.class),
                        CounterRows.text(row, "username"),
                        row.get("lacking", String.class)));
    }

    private static void requireFound(List<Table> tables) {
        String username = tables.getFirst().username();
        String missing = tables.stream()
                .filter(table -> table.schema() == null)
                .map(Table::name)
                .collect(Collectors.joining(", "));
        if (!missing.isEmpty()) {
            throw new StartupException(
                    "The user " + username + " does not find the tables " + missing + ".",
                    "Apply all migrations, or remove spring.flyway.enabled=false. The user needs usage on the schema,"
                            + " and ?currentSchema= at the end of TALLY_DATABASE_URL names another than public.");
        }
        String schemas = tables.stream()
                .map(table -> String.valueOf(table.schema()))
                .distinct()
                .collect(Collectors.joining(", "));
        if (schemas.contains(", ")) {
            throw new StartupException(
                    "The user " + username + " finds tables in different schemas: " + schemas + ".",
                    "Name the schema that is meant at the end of TALLY_DATABASE_URL: ?currentSchema=…");
        }
    }

    private static void requireRights(List<Table> tables) {
        String lacking = tables.stream()
                .filter(table -> table.lacking() != null)
                .map(table -> table.lacking() + " on " + table.name())
                .collect(Collectors.joining("; "));
        if (!lacking.isEmpty()) {
            String username = tables.getFirst().username();
            throw new StartupException(
                    "The user " + username + " lacks rights: " + lacking + ".",
                    "Grant them: grant select, insert, update, delete on all tables in schema "
                            + tables.getFirst().schema() + " to " + username + ";");
        }
    }
}
