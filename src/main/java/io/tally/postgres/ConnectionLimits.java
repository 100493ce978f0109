package io.tally.postgres;

import io.r2dbc.spi.Connection;
import io.tally.pipeline.StoreFailure;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/**
 * The common rules for each use of a connection: a time-out, the translation of failures, and the physical close of a
 * broken connection.
 */
final class ConnectionLimits {

    private static final Logger log = LoggerFactory.getLogger(ConnectionLimits.class);

    /**
     * The additional wait beyond the time-out of the server, whose error is more informative than a client time-out.
     */
    static final Duration GRACE = Duration.ofSeconds(1);

    private static final Duration CLOSE_MAX = Duration.ofSeconds(1);

    private final Duration answerMax;

    ConnectionLimits(Duration statementMax) {
        this.answerMax = statementMax.plus(GRACE);
    }

    /** @param close subscribed to only if the connection is broken */
    <T> Mono<T> bounded(Mono<T> work, Mono<Void> close) {
        return work.timeout(answerMax, SqlStates.noAnswer(answerMax))
                .onErrorMap(SqlStates::inFlight)
                .onErrorResume(StoreFailure.class, failure -> {
                    Mono<T> failed = Mono.error(failure);
                    return SqlStates.breaksConnection(failure) ? close.then(failed) : failed;
                });
    }

    /** Closes a connection, within a time limit. Never fails: the caller has its own result. */
    static Mono<Void> closed(Connection connection) {
        return Mono.defer(() -> Mono.from(connection.close()))
                // On another thread: the driver's close repeats until no thread emits messages of the connection. An
                // error closes a connection while it is emitted: the event loop would wait for itself for ever.
                .subscribeOn(Schedulers.parallel())
                .timeout(CLOSE_MAX)
                .onErrorResume(failure -> {
                    log.debug("A connection did not close in order: {}", failure.toString());
                    return Mono.empty();
                });
    }
}
