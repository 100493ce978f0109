package io.tally;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.springframework.mock.env.MockEnvironment;

class RequiredSettingsTest {

    @Test
    void namesWhatIsMissing() {
        MockEnvironment environment = new MockEnvironment().withProperty("tally.database.url", "postgresql://db/tally");

        assertThat(RequiredSettings.missing(environment))
                .containsExactly("TALLY_DATABASE_PASSWORD", "TALLY_DATABASE_USERNAME");
    }

    @Test
    void isContentWithAnEmptyPassword() {
        MockEnvironment environment = new MockEnvironment()
                .withProperty("tally.database.url", "postgresql://db/tally")
                .withProperty("tally.database.username", "tally")
                .withProperty("tally.database.password", "");

        assertThat(RequiredSettings.missing(environment)).isEmpty();
    }
}
