package io.tally.access;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.tally.access.AccessRefusals.Reason;
import io.tally.http.Action;
import io.tally.http.Caller;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;

/** Each refusal is counted, and some are logged. */
@Isolated("It reads the log")
class AccessRefusalsTest {

    private static final Caller CALLER = new Caller("key:checkout", "key:1", List.of());

    /** The limit of a second, and of those that pass during the test. */
    private static final int LINES_MAX = 100;

    private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
    private final AccessRefusals refusals = new AccessRefusals(meters);
    private final ListAppender<ILoggingEvent> log = new ListAppender<>();

    @BeforeEach
    void listen() {
        log.start();
        ((Logger) AccessRefusals.LOG).addAppender(log);
    }

    @AfterEach
    void stop() {
        ((Logger) AccessRefusals.LOG).detachAppender(log);
    }

    private double count(String reason) {
        return meters.get("tally.access.refused")
                .tag("reason", reason)
                .counter()
                .count();
    }

    private List<String> lines() {
        return log.list.stream().map(ILoggingEvent::getFormattedMessage).toList();
    }

    @Test
    void eachItemIsCountedAndAllOfThemHaveOneLine() {
        refusals.forbidden(CALLER, Action.WRITE, 1);
        refusals.forbidden(CALLER, Action.WRITE, 1_000);
        refusals.forbidden(CALLER, Action.MANAGE);

        assertThat(count("forbidden")).isEqualTo(1_002);
        assertThat(lines())
                .containsExactly(
                        "Refused an item of key:checkout for the action write: forbidden",
                        "Refused 1000 items of key:checkout for the action write: forbidden",
                        "Refused a request of key:checkout for the action manage: forbidden");
    }

    @Test
    void aFloodFillsNoLog() {
        int refused = 100_000;
        for (int i = 0; i < refused; i++) {
            refusals.forbidden(CALLER, Action.WRITE, 2);
            refusals.deny(Reason.MISSING, "");
        }

        assertThat(count("forbidden")).isEqualTo(2.0 * refused);
        assertThat(count("missing")).isEqualTo(refused);
        assertThat(lines()).hasSizeBetween(10, LINES_MAX);
        assertThat(lines().getFirst()).isEqualTo("Refused 2 items of key:checkout for the action write: forbidden");
        assertThat(lines().get(1)).isEqualTo("Refused a request of an unknown caller: missing");
    }
}
