package io.tally.postgres;

import static org.assertj.core.api.Assertions.assertThat;

import io.r2dbc.spi.R2dbcNonTransientResourceException;
import io.r2dbc.spi.R2dbcPermissionDeniedException;
import io.tally.pipeline.StoreFailure;
import io.tally.pipeline.StoreFailure.Cause;
import io.tally.pipeline.StoreFailure.Kind;
import java.io.EOFException;
import java.io.IOException;
import java.net.ConnectException;
import java.net.SocketException;
import java.net.UnknownHostException;
import java.security.cert.CertificateException;
import java.sql.SQLException;
import java.time.Duration;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;
import javax.net.ssl.SSLHandshakeException;
import org.flywaydb.core.api.FlywayException;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class StartFailuresTest {

    @ParameterizedTest
    @CsvSource({
        "08001, false",
        "08006, false",
        "25006, false",
        "40P01, false",
        "53300, false",
        "55P03, false",
        "57P01, false",
        "57P03, false",
        "XX000, false",
        "28000, true",
        "28P01, true",
        "3D000, true",
        "42501, true",
        "42P05, true",
        "42P07, true",
        "57014, true"
    })
    void aStateSaysWhetherWaitingHelps(String state, boolean isPermanent) {
        assertThat(StartFailures.isPermanent(new FlywayException(new SQLException("refused", state))))
                .isEqualTo(isPermanent);
        assertThat(StartFailures.isPermanent(
                        SqlStates.whileConnecting(new R2dbcNonTransientResourceException("refused", state))))
                .isEqualTo(isPermanent);
    }

    static Stream<Throwable> transients() {
        return Stream.of(
                        new ConnectException("Connection refused"),
                        new UnknownHostException("db"),
                        new SocketException("Too many open files"),
                        new TimeoutException("no answer"),
                        new SSLHandshakeException("Remote host terminated the handshake").initCause(new EOFException()))
                .flatMap(cause -> Stream.of(
                        SqlStates.whileConnecting(new R2dbcNonTransientResourceException("Cannot connect", cause)),
                        new FlywayException(new SQLException("refused", "08001", cause)),
                        new StoreFailure(Kind.UNAVAILABLE, Cause.CONNECTION, "the server is a replica")));
    }

    @ParameterizedTest
    @MethodSource("transients")
    void theNetworkMayComeBack(Throwable failure) {
        assertThat(StartFailures.isPermanent(failure)).isFalse();
        assertThat(StartFailures.timeout(failure, Duration.ofMinutes(8)))
                .hasMessageStartingWith("The database was not ready within 480 s: ");
    }

    static Stream<Throwable> permanents() {
        return Stream.of(
                new StoreFailure(Kind.FATAL, Cause.CONNECTION, "a setting cannot be changed"),
                new FlywayException("Validate failed"),
                new IllegalArgumentException("no such file"),
                SqlStates.whileConnecting(new R2dbcPermissionDeniedException("Server support for SSL is disabled")),
                SqlStates.whileConnecting(new IOException(new CertificateException("unknown authority"))),
                SqlStates.whileConnecting(new SSLHandshakeException("Received fatal alert: certificate_required")),
                SqlStates.whileConnecting(
                        new R2dbcNonTransientResourceException("unsupported startup parameter: jit", "08P01")),
                SqlStates.whileConnecting(
                        new R2dbcNonTransientResourceException("password authentication failed", "08P01")));
    }

    @ParameterizedTest
    @MethodSource("permanents")
    void theRestStaysAsItIs(Throwable failure) {
        assertThat(StartFailures.isPermanent(failure)).isTrue();
        assertThat(StartFailures.refusal(failure)).hasMessageEndingWith(RootCause.text(failure));
    }
}
