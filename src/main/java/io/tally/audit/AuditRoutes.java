package io.tally.audit;

import io.tally.audit.Audit.Books;
import io.tally.audit.Audit.Report;
import io.tally.audit.Audit.Unread;
import io.tally.http.Action;
import io.tally.http.Problems;
import io.tally.http.Routes;
import io.tally.http.Routes.Route;
import java.util.ArrayList;
import java.util.List;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.HttpMethod;
import org.springframework.http.ProblemDetail;
import org.springframework.web.reactive.function.server.ServerResponse;
import reactor.core.publisher.Mono;

/** {@code POST /v1/audits}: compare the books now. */
@Configuration(proxyBeanMethods = false)
class AuditRoutes {

    @Bean
    Route auditRoute(Audits audits) {
        return Routes.resource("/v1/audits")
                .on(HttpMethod.POST, Action.ADMIN, request -> audits.audit().flatMap(AuditRoutes::answer))
                .build();
    }

    /** The sum of some shards would be misleading, so the failure of one shard is that of the request. */
    private static Mono<ServerResponse> answer(List<Audit> audits) {
        List<Report> reports = new ArrayList<>();
        for (Audit audit : audits) {
            switch (audit) {
                case Report report -> reports.add(report);
                case Unread unread -> {
                    return Problems.answer(problem(unread, audits.size()));
                }
            }
        }
        return Routes.json(ServerResponse.ok(), BooksView.of(new Books(reports)));
    }

    private static ProblemDetail problem(Unread unread, int count) {
        ProblemDetail problem = Problems.problem(unread.refusal());
        if (count > 1) {
            problem.setDetail("The books of shard " + unread.shard() + " could not be read.");
            problem.setProperty("shard", unread.shard());
        }
        return problem;
    }
}
