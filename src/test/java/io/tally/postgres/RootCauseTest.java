package io.tally.postgres;

import static org.assertj.core.api.Assertions.assertThat;

import io.r2dbc.spi.R2dbcNonTransientResourceException;
import io.tally.pipeline.StoreFailure;
import java.io.IOException;
import java.net.ConnectException;
import java.net.UnknownHostException;
import java.sql.SQLException;
import org.junit.jupiter.api.Test;

class RootCauseTest {

    @Test
    void isTheInnermost() {
        Throwable failure = new R2dbcNonTransientResourceException(
                "Cannot connect to db/<unresolved>:5432",
                new IOException("outer", new ConnectException("Connection refused")));

        assertThat(RootCause.text(failure)).isEqualTo("ConnectException: Connection refused");
        StoreFailure known = SqlStates.whileConnecting(failure);
        assertThat(known).hasMessage("no connection: Cannot connect to db:5432: ConnectException: Connection refused");
        assertThat(SqlStates.whileConnecting(known)).isSameAs(known);
    }

    @Test
    void namesAHostThatIsNotKnown() {
        Throwable failure = new UnknownHostException("db.example.com").initCause(new IOException("NXDOMAIN"));

        assertThat(RootCause.text(failure)).isEqualTo("UnknownHostException: db.example.com");
    }

    @Test
    void isTheDatabasesOwnMessageOnOneLine() {
        assertThat(RootCause.text(new RuntimeException(new SQLException("FATAL: no\n  room", "53300"))))
                .isEqualTo("FATAL: no room");
        assertThat(RootCause.text(new IllegalStateException())).isEqualTo("IllegalStateException");
    }
}
