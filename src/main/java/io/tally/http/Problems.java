package io.tally.http;

import io.tally.counter.Labels;
import io.tally.counter.Outcome;
import io.tally.counter.Outcome.BoundExceeded;
import io.tally.counter.Outcome.BoundExceeded.Renewal;
import io.tally.counter.Outcome.BoundsInverted;
import io.tally.counter.Outcome.ConstraintViolated;
import io.tally.counter.Outcome.CrossShard;
import io.tally.counter.Outcome.DryRun;
import io.tally.counter.Outcome.ExpiryPassed;
import io.tally.counter.Outcome.InitialExcluded;
import io.tally.counter.Outcome.KeyReused;
import io.tally.counter.Outcome.NotFound;
import io.tally.counter.Outcome.Overloaded;
import io.tally.counter.Outcome.PreconditionFailed;
import io.tally.counter.Outcome.Replayed;
import io.tally.counter.Outcome.StoreUnavailable;
import io.tally.counter.Outcome.Success;
import io.tally.counter.Outcome.TooManyMembers;
import io.tally.counter.Outcome.TransactionRefused;
import io.tally.counter.Outcome.Unknown;
import io.tally.counter.Outcome.WrongKind;
import io.tally.pipeline.StoreFailure;
import java.time.Duration;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.ProblemDetail;
import org.springframework.http.ReactiveHttpOutputMessage;
import org.springframework.http.server.reactive.ServerHttpRequest;
import org.springframework.web.reactive.function.BodyInserter;
import org.springframework.web.reactive.function.BodyInserters;
import org.springframework.web.reactive.function.server.ServerResponse;
import reactor.core.publisher.Mono;

/** Translates unsuccessful outcomes into problems (RFC 9457). */
public final class Problems {

    /** Usually long enough for a queue to empty or a failover to end. */
    private static final String RETRY_AFTER_SECONDS = "1";

    /** The same as the field {@code Retry-After}, since the item of an array or stream has no fields. */
    private static final String RETRY_AFTER_MEMBER = "retryAfterSeconds";

    private Problems() {}

    /** The response for a refusal or an unknown outcome. */
    public static Mono<ServerResponse> answer(Outcome outcome) {
        return answer(problem(outcome));
    }

    /** The response with a problem. */
    public static Mono<ServerResponse> answer(ProblemDetail problem) {
        return ServerResponse.status(problem.getStatus())
                .contentType(MediaType.APPLICATION_PROBLEM_JSON)
                .headers(headers -> retryAfter(problem, headers))
                .body((response, context) -> write(problem, response, context));
    }

    private static Mono<Void> write(
            ProblemDetail problem, ReactiveHttpOutputMessage response, BodyInserter.Context context) {
        context.serverRequest().ifPresent(request -> mark(problem, request, response.getHeaders()));
        return BodyInserters.fromValue(problem).insert(response, context);
    }

    private static void mark(ProblemDetail problem, ServerHttpRequest request, HttpHeaders fields) {
        String requestId = RequestId.of(request);
        RequestId.mark(problem, requestId, fields);
        RequestId.trace(request, requestId);
    }

    /** The header fields of a thrown problem. Adds the request id to the fields and to the problem. */
    public static HttpHeaders fields(ProblemException refusal, String requestId) {
        HttpHeaders fields = new HttpHeaders();
        fields.putAll(refusal.headers());
        fields.setContentType(MediaType.APPLICATION_PROBLEM_JSON);
        retryAfter(refusal.problem(), fields);
        RequestId.mark(refusal.problem(), requestId, fields);
        return fields;
    }

    static void retryAfter(ProblemDetail problem, HttpHeaders headers) {
        Map<String, Object> members = problem.getProperties();
        if (members != null && members.containsKey(RETRY_AFTER_MEMBER)) {
            headers.set(HttpHeaders.RETRY_AFTER, members.get(RETRY_AFTER_MEMBER).toString());
        } else if (problem.getStatus() == HttpStatus.SERVICE_UNAVAILABLE.value()) {
            headers.set(HttpHeaders.RETRY_AFTER, RETRY_AFTER_SECONDS);
        }
    }

    /** A problem of that type. */
    public static ProblemDetail problem(ProblemType type, String detail) {
        ProblemDetail problem = ProblemDetail.forStatusAndDetail(type.status(), detail);
        problem.setType(type.uri());
        problem.setTitle(type.title());
        return problem;
    }

    /** The outcome of a single request whose statement failed. */
    public static Outcome outcome(StoreFailure failure) {
        return switch (failure.kind()) {
            case UNKNOWN -> new Unknown();
            case BUSY -> new Overloaded();
            case BAD_OPERATION, UNSTORABLE -> new ConstraintViolated();
            case CONFLICT, FENCED, UNAVAILABLE, FATAL -> new StoreUnavailable();
        };
    }

    /** An outcome as a problem. */
    public static ProblemDetail problem(Outcome outcome) {
        return switch (outcome) {
            case NotFound absent -> problem(ProblemType.NOT_FOUND, "The counter does not exist.");
            case PreconditionFailed failed -> preconditionFailed(failed.version());
            case BoundExceeded exceeded -> boundExceeded(exceeded);
            case BoundsInverted inverted ->
                problem(
                        ProblemType.BOUNDS_INVERTED,
                        "min would be " + inverted.min() + " and max " + inverted.max() + ".");
            case InitialExcluded excluded ->
                problem(
                        ProblemType.INITIAL_EXCLUDED,
                        "initial would be " + excluded.initial() + ", min "
                                + excluded.bounds().min() + " and max "
                                + excluded.bounds().max() + ".");
            case ExpiryPassed passed ->
                problem(ProblemType.EXPIRY_PASSED, "The time of expiry would be " + passed.expiresAt() + ".");
            case WrongKind wrong ->
                problem(
                        ProblemType.WRONG_KIND,
                        "The counter is of kind " + wrong.kind().label() + ".");
            case TooManyMembers many ->
                problem(
                        ProblemType.TOO_MANY_MEMBERS,
                        "The counter has " + many.value() + " members. Tally deletes counters of at most "
                                + many.limit() + " members.");
            case TransactionRefused refused -> transactionRefused(refused);
            case CrossShard spanning ->
                problem(
                        ProblemType.CROSS_SHARD,
                        "The namespaces of the counters are in different shards. Give them the same tag, such as"
                                + " acme:stock and acme:sold.");
            case KeyReused reused ->
                problem(
                        ProblemType.IDEMPOTENCY_KEY_REUSED,
                        "An earlier request with another content used this idempotency key.");
            case ConstraintViolated violated ->
                problem(ProblemType.CONSTRAINT_VIOLATED, "The database rejected this operation.");
            case Overloaded overloaded -> problem(ProblemType.OVERLOADED, "Nothing was applied.");
            case StoreUnavailable unavailable -> problem(ProblemType.STORE_UNAVAILABLE, "Nothing was applied.");
            case Unknown unknown ->
                problem(ProblemType.OUTCOME_UNKNOWN, "The operation was applied once or not at all.");
            case Success success -> throw new IllegalArgumentException("an outcome that is no problem: " + success);
            case DryRun dryRun -> throw new IllegalArgumentException("an outcome that is no problem: " + dryRun);
            case Replayed replayed -> throw new IllegalArgumentException("an outcome that is no problem: " + replayed);
        };
    }

    private static ProblemDetail transactionRefused(TransactionRefused refused) {
        ProblemDetail problem = problem(refused.cause());
        problem.setDetail("increments[" + refused.item() + "]: " + problem.getDetail() + " Nothing was applied.");
        problem.setProperty("item", refused.item());
        problem.setProperty("namespace", refused.counter().namespace());
        problem.setProperty("name", refused.counter().name());
        return problem;
    }

    private static ProblemDetail preconditionFailed(@Nullable Long version) {
        ProblemDetail problem = problem(
                ProblemType.PRECONDITION_FAILED,
                version == null ? "The counter does not exist." : "The counter is at version " + version + ".");
        if (version != null) {
            problem.setProperty("version", version);
        }
        return problem;
    }

    private static ProblemDetail boundExceeded(BoundExceeded exceeded) {
        String end = Labels.label(exceeded.end());
        Renewal renewal = exceeded.renewal();
        ProblemDetail problem = problem(
                ProblemType.BOUND_EXCEEDED,
                "The value is " + exceeded.value() + ", its " + end + " is " + exceeded.limit()
                        + (renewal == null ? "." : " until " + renewal.end() + "."));
        problem.setProperty("bound", end);
        problem.setProperty("limit", exceeded.limit());
        problem.setProperty("value", exceeded.value());
        if (renewal != null) {
            problem.setProperty("end", renewal.end());
            Duration in = renewal.in();
            if (in != null) {
                problem.setProperty(RETRY_AFTER_MEMBER, seconds(in));
            }
        }
        return problem;
    }

    /** Rounded up, so that a client that waits as long comes after the end. */
    private static int seconds(Duration time) {
        return Math.clamp(time.plusSeconds(1).minusNanos(1).toSeconds(), 1, Integer.MAX_VALUE);
    }
}
