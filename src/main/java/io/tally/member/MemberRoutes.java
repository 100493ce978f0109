package io.tally.member;

import io.tally.counter.Command;
import io.tally.counter.CounterId;
import io.tally.counter.IdempotencyKey;
import io.tally.counter.Kind;
import io.tally.counter.MemberId;
import io.tally.counter.Naming;
import io.tally.counter.Operation.Join;
import io.tally.counter.Operation.Leave;
import io.tally.counter.Outcome.WrongKind;
import io.tally.http.Action;
import io.tally.http.Answers;
import io.tally.http.Bodies;
import io.tally.http.Bodies.MemberView;
import io.tally.http.CounterPath;
import io.tally.http.Cursor;
import io.tally.http.IdempotencyKeys;
import io.tally.http.Paging;
import io.tally.http.ProblemException;
import io.tally.http.ProblemType;
import io.tally.http.Problems;
import io.tally.http.RequestPath;
import io.tally.http.Routes;
import io.tally.http.Routes.Route;
import io.tally.member.Members.Listing;
import io.tally.member.Members.Membership;
import io.tally.member.Members.Presence;
import io.tally.pipeline.CounterPipeline;
import io.tally.pipeline.StoreFailure;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.HttpMethod;
import org.springframework.web.reactive.function.server.ServerRequest;
import org.springframework.web.reactive.function.server.ServerResponse;
import reactor.core.publisher.Mono;

/** The routes of members of a counter: join, leave, read, list. */
@Configuration(proxyBeanMethods = false)
class MemberRoutes {

    private static final String MEMBERS = CounterPath.COUNTER + "/members";

    /** The index in {@code /v1/counters/{namespace}/{name}/members/{member}}. */
    private static final int MEMBER_SEGMENT = 5;

    private final CounterPipeline pipeline;
    private final Members members;

    MemberRoutes(CounterPipeline pipeline, Members members) {
        this.pipeline = pipeline;
        this.members = members;
    }

    @Bean
    Route memberRoute() {
        return Routes.resource(MEMBERS + "/{member}")
                .on(HttpMethod.GET, Action.READ, this::read)
                .on(HttpMethod.PUT, Action.WRITE, this::join)
                .on(HttpMethod.DELETE, Action.WRITE, this::leave)
                .build();
    }

    @Bean
    Route membersRoute() {
        return Routes.resource(MEMBERS)
                .on(HttpMethod.GET, Action.READ, this::list, "limit", "cursor")
                .build();
    }

    private static MemberId member(ServerRequest request) {
        CounterId counter = CounterPath.counter(request);
        return Bodies.checked(() -> new MemberId(counter, RequestPath.segment(request, MEMBER_SEGMENT)));
    }

    private Mono<ServerResponse> join(ServerRequest request) {
        MemberId member = member(request);
        Join join = Bodies.checked(() -> new Join(member));
        return pipeline.apply(Command.of(join)).flatMap(Answers::of);
    }

    private Mono<ServerResponse> leave(ServerRequest request) {
        MemberId member = member(request);
        IdempotencyKey key = IdempotencyKeys.of(request, member.counter().namespace());
        return pipeline.apply(Command.of(new Leave(member), key)).flatMap(Answers::of);
    }

    private Mono<ServerResponse> read(ServerRequest request) {
        return members.read(member(request))
                .flatMap(MemberRoutes::answer)
                .switchIfEmpty(notFound("counter"))
                // A name that the database cannot store does not exist in it.
                .onErrorResume(StoreFailure::isUnstorable, unstorable -> notFound("counter or member"));
    }

    private static Mono<ServerResponse> answer(Presence presence) {
        if (presence.kind() != Kind.MEMBERS) {
            return Problems.answer(new WrongKind(presence.kind()));
        }
        return presence.member()
                ? Routes.json(ServerResponse.ok(), new MemberView(true, presence.value(), presence.version()))
                : notFound("member");
    }

    private Mono<ServerResponse> list(ServerRequest request) {
        CounterId counter = CounterPath.counter(request);
        List<String> list = List.of("members", counter.namespace(), counter.name());
        Paging paging = Paging.of(request, list);
        return members.list(counter, after(paging.after()), paging.limit() + 1)
                .flatMap(listing -> page(listing, paging, list))
                .switchIfEmpty(notFound("counter"))
                .onErrorResume(
                        StoreFailure::isUnstorable,
                        unstorable -> paging.after() == null ? notFound("counter") : Mono.error(Cursor.foreign()));
    }

    private static String after(@Nullable List<String> place) {
        return place == null ? "" : Bodies.checked(() -> Naming.requireName(place.getFirst()));
    }

    private static Mono<ServerResponse> page(Listing listing, Paging paging, List<String> list) {
        return listing.kind() == Kind.MEMBERS
                ? Routes.list(paging.page(listing.members(), list, (Membership last) -> List.of(last.member())))
                : Problems.answer(new WrongKind(listing.kind()));
    }

    private static <T> Mono<T> notFound(String what) {
        return Mono.error(() -> new ProblemException(ProblemType.NOT_FOUND, "The " + what + " does not exist."));
    }
}
