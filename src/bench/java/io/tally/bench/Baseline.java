package io.tally.bench;

import io.r2dbc.postgresql.PostgresqlConnectionFactoryProvider;
import io.r2dbc.spi.ConnectionFactory;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.r2dbc.autoconfigure.ConnectionFactoryOptionsBuilderCustomizer;
import org.springframework.context.annotation.Bean;
import org.springframework.core.io.ByteArrayResource;
import org.springframework.http.client.ReactorResourceFactory;
import org.springframework.r2dbc.connection.init.ConnectionFactoryInitializer;
import org.springframework.r2dbc.connection.init.ResourceDatabasePopulator;
import org.springframework.r2dbc.core.DatabaseClient;
import org.springframework.web.reactive.function.server.RouterFunction;
import org.springframework.web.reactive.function.server.RouterFunctions;
import org.springframework.web.reactive.function.server.ServerRequest;
import org.springframework.web.reactive.function.server.ServerResponse;
import reactor.core.publisher.Mono;
import reactor.netty.resources.LoopResources;

/**
 * A counter as it is usually written on Spring WebFlux and R2DBC: each request one upsert, committed by itself, on a
 * connection from a pool. On the framework, the event loops, the driver and the table's settings that Tally has.
 * {@code /none} counts in memory: as fast as the framework gets.
 */
@SpringBootApplication(proxyBeanMethods = false)
class Baseline {

    /** Kept as Tally keeps its counters. */
    private static final String TABLE = """
            create table if not exists baseline (
              value      bigint      not null,
              version    bigint      not null,
              updated_at timestamptz not null,
              namespace  text        collate "C" not null,
              name       text        collate "C" not null,
              primary key (namespace, name)
            ) with (
              fillfactor = 70,
              autovacuum_vacuum_scale_factor = 0.02,
              autovacuum_vacuum_threshold = 1000,
              autovacuum_vacuum_cost_delay = 0
            );""";

    private static final String INCREMENT = """
            insert into baseline (namespace, name, value, version, updated_at) values ('bench', $1, 1, 1, now())
            on conflict (namespace, name) do update
              set value = baseline.value + 1, version = baseline.version + 1, updated_at = now()
            returning value, version""";

    private static final String READ = "select value, version from baseline where namespace = 'bench' and name = $1";

    private final AtomicLong counted = new AtomicLong();

    /** Starts it; the arguments are properties of Spring Boot: {@code --server.port=8080 --spring.r2dbc.url=…}. */
    public static void main(String[] arguments) {
        SpringApplication application = new SpringApplication(Baseline.class);
        application.setDefaultProperties(settings());
        application.run(arguments);
    }

    private static Map<String, Object> settings() {
        Map<String, Object> settings = new HashMap<>();
        // Tally's own settings lie on the same class path, and are not meant.
        settings.put("spring.config.name", "baseline");
        settings.put("spring.main.banner-mode", "off");
        // A connection lives on the event loop that asked for it: made beforehand, all would live on one.
        settings.put("spring.r2dbc.pool.initial-size", 0);
        settings.put("spring.r2dbc.pool.max-size", 16);
        // Metrics as Tally has them, and no traces.
        settings.put("management.metrics.enable.http.server.requests.active", false);
        settings.put(
                "spring.autoconfigure.exclude",
                List.of(
                        "org.springframework.boot.micrometer.tracing.autoconfigure.MicrometerTracingAutoConfiguration",
                        "org.springframework.boot.micrometer.tracing.autoconfigure.prometheus"
                                + ".PrometheusExemplarsAutoConfiguration"));
        return settings;
    }

    @Bean(destroyMethod = "dispose")
    LoopResources eventLoops() {
        return LoopResources.create("baseline", Runtime.getRuntime().availableProcessors(), true);
    }

    @Bean
    ReactorResourceFactory reactorResourceFactory(LoopResources eventLoops) {
        ReactorResourceFactory resources = new ReactorResourceFactory();
        resources.setUseGlobalResources(false);
        resources.setLoopResources(eventLoops);
        return resources;
    }

    @Bean
    ConnectionFactoryOptionsBuilderCustomizer sharedEventLoops(LoopResources eventLoops) {
        return options -> options.option(PostgresqlConnectionFactoryProvider.LOOP_RESOURCES, eventLoops);
    }

    @Bean
    ConnectionFactoryInitializer table(ConnectionFactory connections) {
        ConnectionFactoryInitializer initializer = new ConnectionFactoryInitializer();
        initializer.setConnectionFactory(connections);
        initializer.setDatabasePopulator(
                new ResourceDatabasePopulator(new ByteArrayResource(TABLE.getBytes(StandardCharsets.UTF_8))));
        return initializer;
    }

    @Bean
    RouterFunction<ServerResponse> routes(ConnectionFactory connections) {
        DatabaseClient database = DatabaseClient.create(connections);
        return RouterFunctions.route()
                .POST("/upsert/{name}", request -> increment(database, request))
                .GET("/upsert/{name}", request -> read(database, request))
                .POST("/none", request -> answer(counted.incrementAndGet()))
                .GET("/none", request -> answer(counted.get()))
                .GET("/ready", request -> ServerResponse.ok().build())
                .build();
    }

    private static Mono<ServerResponse> increment(DatabaseClient database, ServerRequest request) {
        return row(database, INCREMENT, request)
                .flatMap(body -> ServerResponse.ok().bodyValue(body));
    }

    private static Mono<ServerResponse> read(DatabaseClient database, ServerRequest request) {
        return row(database, READ, request)
                .flatMap(body -> ServerResponse.ok().bodyValue(body))
                .switchIfEmpty(ServerResponse.notFound().build());
    }

    /** The one row; comes after the statement completed, and so after its commit. */
    private static Mono<Body> row(DatabaseClient database, String sql, ServerRequest request) {
        return database.sql(sql)
                .bind(0, request.pathVariable("name"))
                .map(row -> new Body(row.get(0, Long.class), row.get(1, Long.class), 1))
                .one();
    }

    private static Mono<ServerResponse> answer(long value) {
        return ServerResponse.ok().bodyValue(new Body(value, value, 1));
    }

    /** What Tally answers an increment with. */
    record Body(long value, long version, long delta) {}
}
