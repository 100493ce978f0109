package io.tally.lab;

import io.r2dbc.spi.R2dbcException;
import io.tally.pipeline.PipelineProperties;
import io.tally.pipeline.StoreFailure;
import io.tally.postgres.CounterRows;
import io.tally.postgres.DatabaseProperties;
import io.tally.postgres.LaneConnection;
import io.tally.postgres.SessionConnections;
import io.tally.postgres.Statements;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Function;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** The lab in PostgreSQL. */
final class PostgresLab implements LabDatabase {

    /** The number of connections that are closed concurrently. */
    private static final int CLOSING_MAX = 8;

    private final SessionConnections factory;
    private final Function<Isolation, SessionConnections> sessions;
    private final Function<Isolation, SessionConnections> lanes;
    private final DatabaseProperties properties;
    private final PipelineProperties pipeline;

    /**
     * The lab in one database.
     *
     * @param factory for the statements of the lab itself
     * @param sessions for workers with that isolation level
     * @param lanes for the service's own statements at that isolation level, in the lab's schema
     */
    PostgresLab(
            SessionConnections factory,
            Function<Isolation, SessionConnections> sessions,
            Function<Isolation, SessionConnections> lanes,
            DatabaseProperties properties,
            PipelineProperties pipeline) {
        this.factory = factory;
        this.sessions = sessions;
        this.lanes = lanes;
        this.properties = properties;
        this.pipeline = pipeline;
    }

    @Override
    public Bench bench(UUID run, Experiment experiment) {
        return new PostgresBench(run, experiment);
    }

    @Override
    public Mono<Void> clear(UUID run) {
        LaneConnection own = own();
        return closing(own, executed(own, LabSql.drop(run))).onErrorMap(StoreFailure.class, PostgresLab::notRemoved);
    }

    private LaneConnection own() {
        return new LaneConnection(factory, properties.connectTimeout(), properties.statementTimeout());
    }

    /** Runs statements without parameters in one transaction. */
    private static Mono<Void> executed(LaneConnection own, String sql) {
        return own.use(connection -> Statements.rows(connection.createStatement(sql)))
                .then();
    }

    private static Mono<Void> closing(LaneConnection own, Mono<Void> work) {
        return Mono.usingWhen(Mono.just(own), used -> work, LaneConnection::close);
    }

    private static Throwable notCreated(StoreFailure failure) {
        return switch (stateOf(failure)) {
            case "42501" ->
                new LabObstacle(
                        "The database user may not create a schema. Allow it: grant create on database … to ….");
            case LabSql.ON_PATH ->
                new LabObstacle(
                        "The search_path of the database user contains lab, so the tables of the schema lab would"
                                + " hide the tables of the service. Remove lab from it, or use another user.");
            default -> failure;
        };
    }

    private static Throwable notRemoved(StoreFailure failure) {
        return failure.kind() == StoreFailure.Kind.FATAL
                ? new LabObstacle("The schema lab of an earlier run could not be removed. Drop it by hand. SQLSTATE: "
                        + stateOf(failure) + ".")
                : failure;
    }

    private static Throwable notConnected(StoreFailure failure) {
        return stateOf(failure).equals("53300")
                ? new LabObstacle("The database has too few free connections. Request fewer workers, or raise"
                        + " max_connections.")
                : failure;
    }

    private static String stateOf(StoreFailure failure) {
        String state = failure.getCause() instanceof R2dbcException known ? known.getSqlState() : null;
        return state == null ? "" : state;
    }

    private final class PostgresBench implements Bench {

        private final UUID run;
        private final Experiment experiment;
        private final LaneConnection own = own();
        private final List<LaneConnection> connections = new CopyOnWriteArrayList<>();
        private @Nullable PostgresLabLanes pipelined;

        PostgresBench(UUID run, Experiment experiment) {
            this.run = run;
            this.experiment = experiment;
        }

        @Override
        public Mono<List<Worker>> workers() {
            return requireFree()
                    .then(Mono.defer(this::created))
                    .then(Mono.defer(() -> isLanes() ? lanes() : connected()));
        }

        private boolean isLanes() {
            return experiment.strategy() == Strategy.LANES;
        }

        private Mono<Void> requireFree() {
            return own.use(connection -> Statements.one(
                            connection.createStatement(LabSql.OWNER), row -> CounterRows.text(row, "mark")))
                    .flatMap(mark -> LabSql.isOurs(mark)
                            ? executed(own, LabSql.dropAny()).onErrorMap(StoreFailure.class, PostgresLab::notRemoved)
                            : Mono.error(new LabObstacle(
                                    "The database has a schema named lab that the lab did not create. The lab"
                                            + " does not change it. Rename it, or use another database.")));
        }

        private Mono<Void> created() {
            return executed(own, LabSql.create(run) + ";" + tables())
                    .onErrorMap(StoreFailure.class, PostgresLab::notCreated);
        }

        private String tables() {
            return switch (experiment.strategy()) {
                case LANES -> LabSql.LANES;
                case GET_OR_CREATE_UNCONSTRAINED -> LabSql.UNCONSTRAINED;
                case UPSERT -> LabSql.CONSTRAINED;
                case READ_MODIFY_WRITE, TABLE_LOCK, ROW_LOCK, OPTIMISTIC, SERIALIZABLE, ATOMIC ->
                    LabSql.CONSTRAINED + ";" + LabSql.posts(run, experiment.counters());
            };
        }

        private Mono<List<Worker>> connected() {
            SessionConnections session = sessions.apply(experiment.isolation());
            return Flux.range(0, experiment.workers())
                    // Opens them one after the other: if one is refused, no other is half open.
                    .concatMap(worker -> connected(session))
                    .collectList();
        }

        private Mono<Worker> connected(SessionConnections session) {
            LaneConnection connection = new LaneConnection(
                    session,
                    properties.connectTimeout(),
                    properties.statementTimeout().multipliedBy(PostgresCountingStrategies.STATEMENTS_MAX));
            connections.add(connection);
            return connection
                    .use(open -> Mono.just(true))
                    .onErrorMap(StoreFailure.class, PostgresLab::notConnected)
                    .thenReturn(PostgresLabWorker.of(connection, experiment.strategy(), names()));
        }

        private Mono<List<Worker>> lanes() {
            PostgresLabLanes opened =
                    new PostgresLabLanes(lanes.apply(experiment.isolation()), properties, pipeline, names());
            pipelined = opened;
            return Flux.range(0, experiment.workers())
                    .<Worker>map(worker -> opened)
                    .collectList();
        }

        private IntFunction<String> names() {
            String prefix = LabSql.prefix(run);
            return counter -> prefix + counter;
        }

        @Override
        public Mono<Stored> stored() {
            String sql = isLanes() ? LabSql.STORED_LANES : LabSql.STORED_POSTS;
            return own.use(connection -> Statements.one(
                    connection.createStatement(sql).bind("$1", LabSql.prefix(run)),
                    row -> new Stored(CounterRows.number(row, "increments"), CounterRows.number(row, "duplicates"))));
        }

        @Override
        public Mono<Void> tearDown() {
            return closing(own, closed().then(Mono.defer(() -> executed(own, LabSql.drop(run)))));
        }

        private Mono<Void> closed() {
            PostgresLabLanes open = pipelined;
            return Flux.fromIterable(connections)
                    .flatMap(LaneConnection::close, CLOSING_MAX)
                    .then(open == null ? Mono.empty() : open.close());
        }
    }
}
