package io.tally.postgres;

import static org.assertj.core.api.Assertions.assertThat;

import io.r2dbc.spi.R2dbcBadGrammarException;
import io.r2dbc.spi.R2dbcException;
import io.tally.pipeline.StoreFailure;
import io.tally.pipeline.StoreFailure.Kind;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SqlStatesTest {

    @ParameterizedTest
    @CsvSource({
        "22021, UNSTORABLE",
        "22P05, UNSTORABLE",
        "22001, BAD_OPERATION",
        "22003, BAD_OPERATION",
        "22P02, BAD_OPERATION",
        "23514, BAD_OPERATION",
        "44000, BAD_OPERATION",
        "54000, BAD_OPERATION",
        "54001, BAD_OPERATION",
        "P0001, BAD_OPERATION",
        "45000, BAD_OPERATION",
        "40001, CONFLICT",
        "42P01, FATAL",
        "57014, UNKNOWN"
    })
    void aStateSaysWhatIsKnown(String state, Kind kind) {
        R2dbcException failure = new R2dbcBadGrammarException("refused", state);
        StoreFailure known = SqlStates.inFlight(failure);

        assertThat(known.kind()).isEqualTo(kind);
        assertThat(known.isRefusal()).isEqualTo(kind == Kind.UNSTORABLE || kind == Kind.BAD_OPERATION);
        assertThat(StoreFailure.isUnstorable(known)).isEqualTo(kind == Kind.UNSTORABLE);
        assertThat(SqlStates.breaksConnection(known)).isEqualTo(kind == Kind.FATAL || kind == Kind.UNKNOWN);
    }

    @ParameterizedTest
    @CsvSource({"22012, true", "23505, true", "40001, false", "23514, false", "57014, false"})
    void aStateSaysWhetherAKeyMayBeStored(String state, boolean stored) {
        assertThat(SqlStates.isKeyMaybeStored(new R2dbcBadGrammarException("refused", state)))
                .isEqualTo(stored);
    }
}
