package io.tally.access;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tally.StartupException;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.bootstrap.DefaultBootstrapContext;
import org.springframework.boot.context.event.ApplicationEnvironmentPreparedEvent;
import org.springframework.core.env.MapPropertySource;
import org.springframework.core.env.StandardEnvironment;

class LoopbackBindingTest {

    private static StandardEnvironment prepared(Map<String, Object> settings) {
        StandardEnvironment environment = new StandardEnvironment();
        environment.getPropertySources().addFirst(new MapPropertySource("settings", settings));
        new LoopbackBinding()
                .onApplicationEvent(new ApplicationEnvironmentPreparedEvent(
                        new DefaultBootstrapContext(), new SpringApplication(), new String[0], environment));
        return environment;
    }

    @Test
    void withoutAModeBothPortsAreOnTheLoopbackInterface() {
        StandardEnvironment environment = prepared(Map.of("management.server.port", "8081"));
        assertThat(environment.getProperty("server.address")).isEqualTo("127.0.0.1");
        assertThat(environment.getProperty("management.server.address")).isEqualTo("127.0.0.1");
    }

    /** Spring Boot refuses an address of the management server that has no port of its own. */
    @Test
    void oneServerHasOneAddress() {
        StandardEnvironment environment = prepared(Map.of("server.port", "8080", "management.server.port", "8080"));
        assertThat(environment.getProperty("server.address")).isEqualTo("127.0.0.1");
        assertThat(environment.getProperty("management.server.address")).isNull();
    }

    @ParameterizedTest
    @ValueSource(strings = {"open", "keys", "jwt", "keys,jwt", "JWT, keys"})
    void withAModeTheAddressIsTheOperators(String mode) {
        StandardEnvironment environment = prepared(Map.of("tally.access.mode", mode, "management.server.port", "8081"));
        assertThat(environment.getProperty("server.address")).isNull();
        assertThat(environment.getProperty("management.server.address")).isNull();
    }

    @ParameterizedTest
    @ValueSource(strings = {"127.0.0.1", "127.0.0.2", "::1", "localhost"})
    void loopbackAddressesStay(String address) {
        assertThat(prepared(Map.of("server.address", address)).getProperty("server.address"))
                .isEqualTo(address);
    }

    @ParameterizedTest
    @CsvSource({
        "server.address, 0.0.0.0",
        "server.address, ::",
        "management.server.address, 0.0.0.0",
        "server.address, absent.invalid"
    })
    void otherAddressesAreRefused(String key, String address) {
        assertThatThrownBy(() -> prepared(Map.of(key, address)))
                .isInstanceOf(StartupException.class)
                .hasMessageStartingWith(key + " is " + address + ", but tally.access.mode is not set");
    }

    /** The image has this variable. */
    @Test
    void aContainerNeedsAMode() {
        assertThatThrownBy(() -> prepared(Map.of("tally.access.mode-required", "true")))
                .isInstanceOf(StartupException.class)
                .hasMessageStartingWith("tally.access.mode is not set, and no client outside a container");
        assertThat(prepared(Map.of("tally.access.mode-required", "true", "tally.access.mode", "open"))
                        .getProperty("server.address"))
                .isNull();
    }

    @ParameterizedTest
    @ValueSource(strings = {"closed", "open,keys", "keys,", "key"})
    void otherModesAreRefused(String mode) {
        assertThatThrownBy(() -> prepared(Map.of("tally.access.mode", mode)))
                .isInstanceOf(StartupException.class)
                .hasMessage("tally.access.mode is " + mode + ", but must be open, keys, jwt or keys,jwt.");
    }
}
