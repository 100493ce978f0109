package io.tally;

import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;

/**
 * Prints a {@link StartupException} instead of a stack trace. Precedes the analyzers of Spring Boot, which would print
 * only that the binding of properties failed.
 */
@Order(Ordered.HIGHEST_PRECEDENCE)
final class StartupFailureAnalyzer extends AbstractFailureAnalyzer<StartupException> {

    @Override
    protected FailureAnalysis analyze(Throwable failure, StartupException refusal) {
        return new FailureAnalysis(refusal.getMessage(), refusal.action(), failure);
    }
}
