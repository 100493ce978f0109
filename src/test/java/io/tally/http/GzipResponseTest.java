package io.tally.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** RFC 9110, section 12.5.3. */
class GzipResponseTest {

    @ParameterizedTest
    @ValueSource(
            strings = {
                "gzip",
                "GZip",
                "x-gzip",
                "*",
                "gzip, deflate, br",
                "br;q=1.0, gzip;q=0.8, *;q=0.1",
                "gzip;q=0.001",
                "deflate;q=0.5,gzip ; q=1",
                "identity;q=0.5, gzip",
                "identity;q=0, gzip;q=0.1"
            })
    void gzipIsAccepted(String field) {
        assertThat(GzipResponse.isAccepted(List.of(field))).isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "identity",
                "br, deflate",
                "gzip;q=0",
                "gzip;q=0.000, *",
                "*;q=0",
                "gzip;q=x",
                "gzip;q=-1",
                "identity, gzip;q=0.5",
                "notgzip",
                "gzip2"
            })
    void gzipIsNotAccepted(String field) {
        assertThat(GzipResponse.isAccepted(List.of(field))).isFalse();
    }
}
