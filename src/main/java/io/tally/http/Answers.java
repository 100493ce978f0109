package io.tally.http;

import io.tally.counter.Counter;
import io.tally.counter.Outcome;
import io.tally.counter.Outcome.Amended;
import io.tally.counter.Outcome.Created;
import io.tally.counter.Outcome.Deleted;
import io.tally.counter.Outcome.DryRun;
import io.tally.counter.Outcome.Found;
import io.tally.counter.Outcome.Incremented;
import io.tally.counter.Outcome.IncrementedAtMost;
import io.tally.counter.Outcome.Moved;
import io.tally.counter.Outcome.Refusal;
import io.tally.counter.Outcome.Replayed;
import io.tally.counter.Outcome.Success;
import io.tally.counter.Outcome.Swept;
import io.tally.counter.Outcome.TransactionApplied;
import io.tally.counter.Outcome.Unknown;
import io.tally.http.Bodies.DryRunView;
import io.tally.http.Bodies.IncrementView;
import io.tally.http.Bodies.MemberView;
import io.tally.http.Bodies.TransactionView;
import io.tally.http.CounterBodies.CounterView;
import java.net.URI;
import java.util.function.Consumer;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.web.reactive.function.server.ServerResponse;
import reactor.core.publisher.Mono;

/** Maps outcomes to responses. */
public final class Answers {

    private Answers() {}

    /** The response of an outcome. */
    public static Mono<ServerResponse> of(Outcome outcome) {
        return switch (outcome) {
            case Success success -> success(success, headers -> {});
            case DryRun dryRun -> Routes.json(ServerResponse.ok(), DryRunView.of(dryRun));
            case Replayed replayed -> success(replayed.original(), IdempotencyKeys::markReplayed);
            case Refusal refusal -> Problems.answer(refusal);
            case Unknown unknown -> Problems.answer(unknown);
        };
    }

    private static Mono<ServerResponse> success(Success success, Consumer<HttpHeaders> headers) {
        return switch (success) {
            case Incremented incremented ->
                Routes.json(
                        ServerResponse.ok().eTag(tag(incremented.version())).headers(headers),
                        IncrementView.of(incremented));
            case IncrementedAtMost atMost -> success(atMost.applied(), headers);
            case Created created ->
                counter(
                        ServerResponse.created(
                                URI.create(CounterPath.path(created.counter().id()))),
                        created.counter());
            case Found found -> counter(ServerResponse.ok(), found.counter());
            case Amended amended -> counter(ServerResponse.ok().headers(headers), amended.counter());
            case Deleted deleted -> ServerResponse.noContent().headers(headers).build();
            case Moved moved ->
                Routes.json(
                        (moved.member() && moved.moved()
                                        ? ServerResponse.status(HttpStatus.CREATED)
                                        : ServerResponse.ok())
                                .headers(headers),
                        MemberView.of(moved));
            case Swept swept -> throw new IllegalArgumentException("no request of a caller: " + swept);
            case TransactionApplied applied ->
                Routes.json(ServerResponse.ok().headers(headers), TransactionView.of(applied));
        };
    }

    private static Mono<ServerResponse> counter(ServerResponse.BodyBuilder response, Counter counter) {
        return Routes.json(response.eTag(tag(counter.version())), CounterView.of(counter));
    }

    public static String tag(long version) {
        return "\"" + version + "\"";
    }
}
