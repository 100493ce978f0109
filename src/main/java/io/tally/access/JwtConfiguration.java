package io.tally.access;

import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.tally.StartupException;
import java.net.URI;
import java.time.Clock;
import javax.net.ssl.SSLException;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.ssl.NoSuchSslBundleException;
import org.springframework.boot.ssl.SslBundle;
import org.springframework.boot.ssl.SslBundles;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Lazy;
import reactor.core.publisher.Mono;
import reactor.netty.http.client.HttpClient;
import reactor.netty.resources.LoopResources;
import tools.jackson.databind.json.JsonMapper;

/** Tokens of an issuer. Lazy: created only in a mode that accepts tokens, which requires the settings. */
@Configuration(proxyBeanMethods = false)
@EnableConfigurationProperties(JwtProperties.class)
class JwtConfiguration {

    @Bean
    @Lazy
    TokenVerifier jwtVerifier(JwtProperties settings, IssuerKeys keys, AccessRefusals refusals) {
        return new JwtVerifier(settings, keys, refusals, Clock.systemUTC(), System::nanoTime);
    }

    @Bean
    @Lazy
    IssuerKeys issuerKeys(JwtProperties settings, JsonMapper json, LoopResources eventLoops, SslBundles bundles) {
        URI address = settings.address();
        // A connection for each load, since loads are rare.
        HttpClient http = HttpClient.newConnection().runOn(eventLoops);
        IssuerDocuments documents = new IssuerDocuments(
                settings.sslBundle() == null ? http : secure(http, settings.sslBundle(), bundles),
                json,
                settings.tokenFile());
        Mono<String> document = settings.issuerUri() == null
                ? documents.keys(address)
                : documents.keysOf(settings.issuerUri().strip());
        return new IssuerKeys(document, System::nanoTime);
    }

    private static HttpClient secure(HttpClient http, String name, SslBundles bundles) {
        SslBundle bundle = bundle(name, bundles);
        return http.secure(ssl -> ssl.sslContext(context(bundle)));
    }

    private static SslBundle bundle(String name, SslBundles bundles) {
        try {
            return bundles.getBundle(name);
        } catch (NoSuchSslBundleException e) {
            throw new StartupException(
                    JwtProperties.PREFIX + ".ssl-bundle is " + name + ", but there is no SSL bundle of this name.",
                    "Set " + JwtProperties.PREFIX + ".ssl-bundle to one of " + bundles.getBundleNames()
                            + ", or define spring.ssl.bundle.pem." + name + ".truststore.certificate.");
        }
    }

    private static SslContext context(SslBundle bundle) {
        try {
            return SslContextBuilder.forClient()
                    .trustManager(bundle.getManagers().getTrustManagerFactory())
                    .keyManager(bundle.getManagers().getKeyManagerFactory())
                    .build();
        } catch (SSLException e) {
            throw new IllegalStateException(e);
        }
    }
}
