package io.tally.ranking;

import io.tally.counter.Counter;
import io.tally.counter.Naming;
import io.tally.http.Action;
import io.tally.http.Bodies;
import io.tally.http.CounterBodies.PeriodView;
import io.tally.http.CounterPath;
import io.tally.http.Cursor;
import io.tally.http.Paging;
import io.tally.http.Paging.Page;
import io.tally.http.ProblemType;
import io.tally.http.Problems;
import io.tally.http.RequestPath;
import io.tally.http.RequestQuery;
import io.tally.http.Routes;
import io.tally.http.Routes.Route;
import io.tally.pipeline.StoreFailure;
import io.tally.ranking.Ranking.Entry;
import io.tally.ranking.Ranking.Place;
import io.tally.ranking.Ranking.Slice;
import io.tally.ranking.RankingState.AsOf;
import io.tally.ranking.RankingState.Pending;
import io.tally.ranking.RankingState.Unread;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.HttpMethod;
import org.springframework.web.reactive.function.server.ServerRequest;
import org.springframework.web.reactive.function.server.ServerResponse;
import reactor.core.publisher.Mono;

/** The counters of a namespace, page by page. */
@Configuration(proxyBeanMethods = false)
class ListRoutes {

    private static final int NAMESPACE_SEGMENT = 2;
    private static final String PREFIX = "prefix";

    /** The year 5138: later than any pass, and within the range of timestamps of the database. */
    private static final long MICROS_MAX = 100_000_000_000_000_000L;

    private final Rankings rankings;

    ListRoutes(Rankings rankings) {
        this.rankings = rankings;
    }

    /**
     * A counter in a list.
     *
     * @param rank its sort key, the value or growth as of the list's time; {@code null} by name
     */
    record ListedView(
            String namespace,
            String name,
            String kind,
            long value,
            long version,
            long initial,
            @Nullable Long min,
            @Nullable Long max,
            @Nullable Long snapshotValue,
            @Nullable PeriodView period,
            @Nullable Instant expiresAt,
            Instant createdAt,
            Instant updatedAt,
            @Nullable Long rank) {

        static ListedView of(Counter counter, @Nullable Long snapshotValue, @Nullable Long rank) {
            return new ListedView(
                    counter.id().namespace(),
                    counter.id().name(),
                    counter.kind().label(),
                    counter.value(),
                    counter.version(),
                    counter.initial(),
                    counter.bounds().min(),
                    counter.bounds().max(),
                    snapshotValue,
                    PeriodView.of(counter.period()),
                    counter.expiresAt(),
                    counter.createdAt(),
                    counter.updatedAt(),
                    rank);
        }
    }

    /**
     * A page of a list whose order may lag behind.
     *
     * @param asOf the time of the order, which includes all operations acknowledged before
     * @param lagSeconds the age of the order
     */
    record RankedPage(List<ListedView> items, @Nullable String next, Instant asOf, double lagSeconds) {}

    @Bean
    Route listRoute() {
        return Routes.resource(CounterPath.NAMESPACE)
                .on(HttpMethod.GET, Action.READ, this::list, "sort", "limit", "cursor", PREFIX)
                .build();
    }

    private Mono<ServerResponse> list(ServerRequest request) {
        String namespace =
                Bodies.checked(() -> Naming.requireNamespace(RequestPath.segment(request, NAMESPACE_SEGMENT)));
        Sort sort = sort(request);
        String prefix = prefix(request, sort);
        List<String> list = prefix.isEmpty()
                ? List.of("counters", namespace, sort.label())
                : List.of("counters", namespace, sort.label(), prefix);
        Paging paging = Paging.of(request, list);
        return (sort == Sort.NAME ? byName(namespace, prefix, list, paging) : byRank(namespace, sort, list, paging))
                .onErrorMap(
                        failure -> paging.after() != null && StoreFailure.isUnstorable(failure),
                        unstorable -> Cursor.foreign())
                .onErrorMap(
                        failure -> !prefix.isEmpty() && StoreFailure.isUnstorable(failure),
                        unstorable -> Bodies.malformed(
                                "'prefix' has a character that the encoding of the database cannot represent."));
    }

    /** The parameter; empty without it. */
    private static String prefix(ServerRequest request, Sort sort) {
        String prefix =
                RequestQuery.values(request, PREFIX).stream().findFirst().orElse("");
        if (prefix.isEmpty()) {
            return prefix;
        }
        if (sort != Sort.NAME) {
            throw Bodies.malformed("'prefix' is for the order by name only.");
        }
        return Bodies.checked(() -> Naming.requireName(prefix));
    }

    private static Sort sort(ServerRequest request) {
        return Sort.of(request.queryParam("sort").orElse(Sort.NAME.label()))
                .orElseThrow(() -> Bodies.malformed("'sort' must be name, value, -value, growth or -growth."));
    }

    // ---- by name: the current state

    private Mono<ServerResponse> byName(String namespace, String prefix, List<String> list, Paging paging) {
        List<String> after = paging.after();
        return rankings.byName(namespace, prefix, after == null ? "" : name(after), paging.limit() + 1)
                .map(slice -> paging.page(slice.entries(), list, ListRoutes::namePlace))
                .flatMap(page -> Routes.list(new Page<>(named(page.items()), page.next())));
    }

    private static String name(List<String> place) {
        return Bodies.checked(() -> Naming.requireName(place.getFirst()));
    }

    private static List<String> namePlace(Entry entry) {
        return List.of(entry.place().name());
    }

    private static List<ListedView> named(List<Entry> entries) {
        return entries.stream().flatMap(entry -> view(entry, null)).toList();
    }

    private static Stream<ListedView> view(Entry entry, @Nullable Long rank) {
        return Stream.ofNullable(entry.counter()).map(counter -> ListedView.of(counter, entry.snapshotValue(), rank));
    }

    // ---- by value or growth: as of a pass

    private Mono<ServerResponse> byRank(String namespace, Sort sort, List<String> list, Paging paging) {
        List<String> after = paging.after();
        return after == null
                ? rankings.state(namespace).flatMap(state -> first(state, namespace, sort, list, paging))
                : ranked(namespace, sort, list, paging, Pinned.of(after));
    }

    private Mono<ServerResponse> first(
            RankingState state, String namespace, Sort sort, List<String> list, Paging paging) {
        return switch (state) {
            case AsOf known -> ranked(namespace, sort, list, paging, new Pinned(known.pass(), null));
            case Pending pending ->
                Problems.answer(Problems.problem(
                        ProblemType.LIST_PENDING,
                        "Tally is sorting the counters of this namespace for the first time."));
            case Unread unread -> Problems.answer(unread.refusal());
        };
    }

    /** A place in the order of a pass. */
    private record Pinned(Instant pass, @Nullable Place after) {

        static Pinned of(List<String> texts) {
            return Bodies.checked(() -> read(texts));
        }

        private static Pinned read(List<String> texts) {
            if (texts.size() != 3) {
                throw new IllegalArgumentException("The cursor is not valid for this list.");
            }
            long micros = Math.clamp(Long.parseLong(texts.get(0)), 0, MICROS_MAX);
            return new Pinned(
                    Instant.EPOCH.plus(micros, ChronoUnit.MICROS),
                    new Place(Long.parseLong(texts.get(1)), Naming.requireName(texts.get(2))));
        }

        List<String> texts(Place place) {
            return List.of(
                    Long.toString(ChronoUnit.MICROS.between(Instant.EPOCH, pass)),
                    Long.toString(place.rank()),
                    place.name());
        }
    }

    private Mono<ServerResponse> ranked(String namespace, Sort sort, List<String> list, Paging paging, Pinned pinned) {
        return rankings.byRank(namespace, sort, pinned.pass(), pinned.after(), paging.limit() + 1)
                .flatMap(slice -> answer(slice, list, paging, pinned));
    }

    private static Mono<ServerResponse> answer(Slice slice, List<String> list, Paging paging, Pinned pinned) {
        Duration lag = Duration.between(pinned.pass(), slice.at());
        // After the clock was set back, a pass may be later than now.
        Instant asOf = lag.isNegative() ? slice.at() : pinned.pass();
        if (pinned.after() != null && lag.compareTo(Ranking.PASS_LIFE) > 0) {
            return Problems.answer(
                    Problems.problem(ProblemType.CURSOR_EXPIRED, "Tally no longer keeps the order of this cursor."));
        }
        Page<Entry> page = paging.page(slice.entries(), list, entry -> pinned.texts(entry.place()));
        List<ListedView> items = page.items().stream()
                .flatMap(entry -> view(entry, entry.place().rank()))
                .toList();
        return Routes.list(new RankedPage(
                items, page.next(), asOf, Duration.between(asOf, slice.at()).toNanos() / 1e9));
    }
}
