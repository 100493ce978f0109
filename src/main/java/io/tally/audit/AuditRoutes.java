package io.tally.audit;

import io.tally.audit.Audit.Report;
import io.tally.audit.Audit.Unread;
import io.tally.http.Action;
import io.tally.http.Problems;
import io.tally.http.Routes;
import io.tally.http.Routes.Route;
import java.math.BigInteger;
import java.time.Instant;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.HttpMethod;
import org.springframework.web.reactive.function.server.ServerResponse;
import reactor.core.publisher.Mono;

/** {@code POST /v1/audits}: compare the books now. */
@Configuration(proxyBeanMethods = false)
class AuditRoutes {

    /** A report as JSON; sums may have more digits than 64 bits hold. */
    record ReportView(
            BigInteger drift,
            long lostOperations,
            BigInteger counterSum,
            BigInteger writerSum,
            Instant at,
            double seconds) {

        static ReportView of(Report report) {
            return new ReportView(
                    report.drift(),
                    report.lostOperations(),
                    report.counterSum(),
                    report.writerSum(),
                    report.at(),
                    report.took().toNanos() / 1e9);
        }
    }

    @Bean
    Route auditRoute(Audits audits) {
        return Routes.resource("/v1/audits")
                .on(HttpMethod.POST, Action.ADMIN, request -> audits.audit().flatMap(AuditRoutes::answer))
                .build();
    }

    private static Mono<ServerResponse> answer(Audit audit) {
        return switch (audit) {
            case Report report -> Routes.json(ServerResponse.ok(), ReportView.of(report));
            case Unread unread -> Problems.answer(unread.refusal());
        };
    }
}
