package io.tally.http.server;

import io.tally.StartupException;
import io.tally.http.ByteOrderMark;
import io.tally.http.HttpProperties;
import io.tally.http.Routes;
import io.tally.http.Routes.Route;
import io.tally.lane.CallerExecutor;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.jackson.autoconfigure.JsonFactoryBuilderCustomizer;
import org.springframework.boot.reactor.netty.NettyReactiveWebServerFactory;
import org.springframework.boot.reactor.netty.NettyServerCustomizer;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.boot.web.server.autoconfigure.ServerProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.client.ReactorResourceFactory;
import org.springframework.web.reactive.function.server.RouterFunction;
import org.springframework.web.reactive.function.server.ServerResponse;
import reactor.netty.NettyPipeline;
import reactor.netty.resources.LoopResources;
import tools.jackson.core.TokenStreamFactory;
import tools.jackson.databind.json.JsonMapper;

/** The HTTP server, and the event loops that it shares with the database connections. */
@Configuration(proxyBeanMethods = false)
@EnableConfigurationProperties(HttpProperties.class)
class ServerConfiguration {

    @Bean
    RouterFunction<ServerResponse> router(ObjectProvider<Route> routes) {
        return Routes.first(routes.orderedStream().toList());
    }

    /** One group with one loop per processor. Separate groups would only compete for the processors. */
    @Bean(destroyMethod = "dispose")
    LoopResources eventLoops() {
        return LoopResources.create("tally", Runtime.getRuntime().availableProcessors(), true);
    }

    @Bean
    CallerExecutor callerThreads(LoopResources eventLoops) {
        return new EventLoopExecutor(eventLoops);
    }

    @Bean
    ReactorResourceFactory reactorResourceFactory(LoopResources eventLoops) {
        ReactorResourceFactory resources = new ReactorResourceFactory();
        resources.setUseGlobalResources(false);
        resources.setLoopResources(eventLoops);
        return resources;
    }

    @Bean
    NettyServerCustomizer limits(
            HttpProperties properties, JsonMapper json, RequestMetrics metrics, ServerProperties settings) {
        requireHttp1(settings);
        ProblemBodyHandler bodies = new ProblemBodyHandler(json);
        return server -> server.doOnChannelInit((observer, channel, address) -> channel.pipeline()
                .addAfter(NettyPipeline.HttpCodec, ProblemBodyHandler.NAME, bodies)
                .addBefore(NettyPipeline.HttpTrafficHandler, LastRequestHandler.NAME, new LastRequestHandler())
                .addAfter(NettyPipeline.HttpTrafficHandler, LastResponseHandler.NAME, new LastResponseHandler())
                .addAfter(NettyPipeline.HttpCodec, InvalidChunkHandler.NAME, new InvalidChunkHandler(metrics))
                .addAfter(
                        NettyPipeline.HttpCodec,
                        RequestTimeoutHandler.NAME,
                        new RequestTimeoutHandler(properties.requestTimeout(), metrics)));
    }

    /** Time-outs, problems and draining are handlers of HTTP/1.1 connections. */
    private static void requireHttp1(ServerProperties settings) {
        if (settings.getHttp2() != null && settings.getHttp2().isEnabled()) {
            throw new StartupException(
                    "server.http2.enabled is true, but Tally supports HTTP/1.1 only.",
                    "Remove server.http2.enabled. A proxy in front may offer HTTP/2 to its clients.");
        }
    }

    @Bean
    ConnectionDrainer lastAnswers() {
        return new ConnectionDrainer();
    }

    /**
     * For the main server only: the management server, which has its own context, must answer until the end of the
     * shutdown.
     */
    @Bean
    WebServerFactoryCustomizer<NettyReactiveWebServerFactory> leaveTaking(
            ConnectionDrainer lastAnswers, ObjectProvider<DirectIncrements> increments) {
        return factory -> {
            factory.addServerCustomizers(lastAnswers::of);
            increments.ifAvailable(direct -> factory.addServerCustomizers(direct::of));
        };
    }

    /** JSON between systems is UTF-8 (RFC 8259, section 8.1). A byte order mark before it is ignored. */
    @Bean
    JsonFactoryBuilderCustomizer utf8() {
        return json ->
                json.disable(TokenStreamFactory.Feature.CHARSET_DETECTION).inputDecorator(new ByteOrderMark());
    }
}
