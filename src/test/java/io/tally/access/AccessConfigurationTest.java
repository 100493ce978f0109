package io.tally.access;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.parallel.Isolated;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;

/** Settings of credentials that the access mode refuses are named in the log. */
@Isolated("It reads the log")
@ExtendWith(OutputCaptureExtension.class)
class AccessConfigurationTest {

    private static final String TOKENS =
            "tally.access.jwt.* is set, but tally.access.mode does not have jwt: these settings have no effect";
    private static final String ROOT_KEY =
            "tally.access.root-key is set, but tally.access.mode does not have keys: the root key has no effect";
    private static final String ROOT = "root".repeat(8);

    private final ApplicationContextRunner service = new ApplicationContextRunner()
            .withBean(MeterRegistry.class, SimpleMeterRegistry::new)
            .withUserConfiguration(AccessConfiguration.class, JwtConfiguration.class)
            .withPropertyValues("tally.access.jwt.clock-skew=1m");

    private void start(String... settings) {
        service.withPropertyValues(settings).run(context -> assertThat(context).hasNotFailed());
    }

    @ParameterizedTest
    @CsvSource({
        "open, issuer-uri, https://login.example.com",
        "open, jwk-set-uri, https://login.example.com/keys",
        "'', audience, tally",
        "open, ssl-bundle, cluster",
        "open, token-file, /var/run/token",
        "open, grants[0].subject, shop"
    })
    void settingsOfTokensNeedAModeWithTokens(String mode, String key, String value, CapturedOutput output) {
        start("tally.access.mode=" + mode, "tally.access.jwt." + key + "=" + value);

        assertThat(output.toString().lines())
                .filteredOn(line -> line.contains(TOKENS))
                .hasSize(1);
        assertThat(output).doesNotContain(ROOT_KEY);
    }

    @Test
    void rootKeyNeedsAModeWithKeys(CapturedOutput output) {
        start("tally.access.mode=open", "tally.access.root-key=" + ROOT);

        assertThat(output).contains(ROOT_KEY).doesNotContain(TOKENS, ROOT);
    }

    @ParameterizedTest
    @ValueSource(strings = {"open", "keys"})
    void nothingElseIsNamed(String mode, CapturedOutput output) {
        start(
                "tally.access.mode=" + mode,
                "tally.access.jwt.audience=",
                mode.equals("keys") ? "tally.access.root-key=" + ROOT : "tally.access.root-key=");

        assertThat(output).doesNotContain("no effect");
    }
}
