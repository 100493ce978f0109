package io.tally.member;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.testing.Clients;
import io.tally.testing.Database;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyClient.Answer;
import io.tally.testing.TallyServer;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Members, on two instances of one database. */
@Tag("four-shards")
@Timeout(120)
class MembersIT {

    private static final String KEY = "Idempotency-Key";

    private static Database database;
    private static TallyServer one;
    private static TallyServer other;
    private static TallyClient client;
    private static TallyClient otherClient;

    @BeforeAll
    static void start() throws SQLException {
        database = TallyServer.sharedDatabase();
        one = TallyServer.shared();
        other = TallyServer.sharedOther();
        client = new TallyClient(one.uri());
        otherClient = new TallyClient(other.uri());
    }

    @AfterEach
    void booksBalance() throws SQLException {
        client.requireBalancedBooks();
        assertThat(wrongCounters()).isZero();
    }

    /** Counters whose value is not the number of their members, in one snapshot. */
    private static long wrongCounters() throws SQLException {
        return database.sum("select count(*) from counter c where kind = 'members' and value <>"
                + " (select count(*) from member m where m.namespace = c.namespace and m.name = c.name)");
    }

    private static String fresh() {
        return "likes/" + UUID.randomUUID();
    }

    private static String path(String counter, String member) {
        return "/v1/counters/" + counter + "/members/" + member;
    }

    private static Answer join(TallyClient client, String counter, String member) {
        return client.send("PUT", path(counter, member), "");
    }

    private static Answer leave(TallyClient client, String counter, String member, String... headers) {
        return client.send("DELETE", path(counter, member), "", headers);
    }

    private static void says(Answer answer, int status, boolean member, long value, long version) {
        assertThat(answer.status()).isEqualTo(status);
        assertThat(answer.body())
                .isEqualTo("{\"member\":" + member + ",\"value\":" + value + ",\"version\":" + version + "}");
    }

    @Test
    void joinsAndLeavesOnce() {
        String counter = fresh();
        says(join(client, counter, "ann"), 201, true, 1, 1);
        says(join(otherClient, counter, "ann"), 200, true, 1, 1);
        says(join(client, counter, "bob"), 201, true, 2, 2);
        says(client.get(path(counter, "bob")), 200, true, 2, 2);
        says(leave(otherClient, counter, "ann"), 200, false, 1, 3);
        says(leave(client, counter, "ann"), 200, false, 1, 3);
        says(join(client, counter, "ann"), 201, true, 2, 4);
        assertThat(client.get("/v1/counters/" + counter).json().path("kind").asString())
                .isEqualTo("members");
        assertThat(client.value(counter)).isEqualTo(2);
    }

    @Test
    void whoIsNoMemberIsNotFound() {
        String counter = fresh();
        assertThat(client.get(path(counter, "ann")).problem()).isEqualTo("not-found");
        assertThat(client.get("/v1/counters/" + counter + "/members").status()).isEqualTo(404);
        says(leave(client, counter, "ann"), 200, false, 0, 0);
        assertThat(client.get("/v1/counters/" + counter).status()).isEqualTo(404);
        join(client, counter, "ann");
        assertThat(client.get(path(counter, "bob")).status()).isEqualTo(404);
        says(leave(client, counter, "bob"), 200, false, 1, 1);
    }

    @Test
    void namesOfMembersAreAnyText() {
        String counter = fresh();
        for (String member : List.of("a%2Fb", "%C3%BC", "a%20b", "a;b=c", "%25", "..%2F..", "x".repeat(256))) {
            assertThat(join(client, counter, member).status()).as(member).isEqualTo(201);
            assertThat(client.get(path(counter, member)).status()).as(member).isEqualTo(200);
        }
        assertThat(client.value(counter)).isEqualTo(7);
    }

    @ParameterizedTest
    @ValueSource(strings = {"%00", "%0A", "%FF", "%ED%A0%80"})
    void refusesWhatIsNoName(String member) {
        String counter = fresh();
        assertThat(join(client, counter, member).problem()).isEqualTo("malformed");
        assertThat(leave(client, counter, member).problem()).isEqualTo("malformed");
        assertThat(client.get("/v1/counters/" + counter).status()).isEqualTo(404);
    }

    @Test
    void refusesANameThatIsTooLong() {
        assertThat(join(client, fresh(), "x".repeat(257)).problem()).isEqualTo("malformed");
    }

    @Test
    void theOtherKindOfCallIsRefused() {
        String plain = fresh();
        String members = fresh();
        client.increment(plain, 5);
        join(client, members, "ann");

        for (Answer answer : List.of(
                join(client, plain, "ann"),
                leave(client, plain, "ann"),
                client.get(path(plain, "ann")),
                client.get("/v1/counters/" + plain + "/members"),
                client.increment(members, 1),
                client.increment(members, 1, KEY, members),
                client.send("PATCH", "/v1/counters/" + members, "{\"value\":7}", "If-Match", "*"),
                client.send(
                        "POST",
                        "/v1/transactions",
                        "{\"increments\":[{\"namespace\":\"likes\",\"name\":\"" + members.substring(6)
                                + "\",\"delta\":1}]}"))) {
            assertThat(answer.status()).isEqualTo(409);
            assertThat(answer.problem()).isEqualTo("wrong-kind");
        }
        assertThat(client.value(plain)).isEqualTo(5);
        assertThat(client.value(members)).isEqualTo(1);
        assertThat(client.put(members, "{\"initial\":9}").status()).isEqualTo(200);
    }

    @Test
    void aCounterGoesWithItsMembersAndBeginsAgain() throws SQLException {
        String counter = fresh();
        IntStream.range(0, 10).forEach(i -> join(client, counter, "m" + i));
        assertThat(client.send("DELETE", "/v1/counters/" + counter, "").status())
                .isEqualTo(204);
        assertThat(database.sum("select count(*) from member where name = ?", counter.substring(6)))
                .isZero();
        says(join(client, counter, "m3"), 201, true, 1, 1);
        assertThat(client.send("DELETE", "/v1/counters/" + counter, "").status())
                .isEqualTo(204);
        assertThat(client.increment(counter, 4).json().path("value").asLong()).isEqualTo(4);
    }

    @Test
    void leavingUnderAKeyIsReplayed() {
        String counter = fresh();
        join(client, counter, "ann");
        join(client, counter, "bob");
        Answer first = leave(client, counter, "ann", KEY, counter);
        join(client, counter, "ann");
        Answer again = leave(otherClient, counter, "ann", KEY, counter);

        says(first, 200, false, 1, 3);
        says(again, 200, false, 1, 3);
        assertThat(first.header("Idempotency-Replayed")).isEmpty();
        assertThat(again.header("Idempotency-Replayed")).isEqualTo("true");
        assertThat(client.value(counter)).isEqualTo(2);
        assertThat(leave(client, counter, "bob", KEY, counter).problem()).isEqualTo("idempotency-key-reused");
    }

    @Test
    void refusesAConditionOnAMember() {
        String counter = fresh();
        assertThat(client.send("PUT", path(counter, "ann"), "", "If-Match", "\"1\"")
                        .problem())
                .isEqualTo("precondition-failed");
        assertThat(client.send("POST", path(counter, "ann"), "").header("Allow"))
                .isEqualTo("GET,HEAD,PUT,DELETE,OPTIONS");
    }

    @Test
    void pagesAreCompleteAndInTheOrderOfBytes() {
        String counter = fresh();
        List<String> members = new ArrayList<>(
                IntStream.range(0, 57).mapToObj(i -> "m" + i).sorted().toList());
        members.forEach(member -> join(client, counter, member));

        List<String> seen = new ArrayList<>();
        String next = "";
        int pages = 0;
        while (next != null) {
            Answer page = client.get("/v1/counters/" + counter + "/members?limit=10" + next);
            StreamSupport.stream(page.json().path("items").spliterator(), false)
                    .forEach(item -> seen.add(item.path("member").asString()));
            next = page.json().path("next").isNull()
                    ? null
                    : "&cursor=" + page.json().path("next").asString();
            pages++;
            // Concurrent joins and leaves move no other member to another page.
            join(client, counter, "a" + pages);
            leave(client, counter, "a" + pages);
        }
        assertThat(seen).isEqualTo(members);
        assertThat(pages).isEqualTo(6);
    }

    @Test
    void aCursorIsGoodForItsListOnly() {
        String counter = fresh();
        String another = fresh();
        for (String name : List.of(counter, another)) {
            join(client, name, "a");
            join(client, name, "b");
        }
        String cursor = client.get("/v1/counters/" + counter + "/members?limit=1")
                .json()
                .path("next")
                .asString();
        char last = cursor.charAt(cursor.length() - 1);
        for (String wrong : List.of(
                "/v1/counters/" + another + "/members?cursor=" + cursor,
                "/v1/counters/" + counter + "/members?cursor=" + cursor.substring(1),
                "/v1/counters/" + counter + "/members?cursor=" + cursor.substring(0, cursor.length() - 1)
                        + (last == 'A' ? 'B' : 'A'),
                "/v1/counters/" + counter + "/members?cursor=",
                "/v1/counters/" + counter + "/members?limit=0",
                "/v1/counters/" + counter + "/members?limit=1001",
                "/v1/counters/" + counter + "/members?limit=x")) {
            assertThat(client.get(wrong).problem()).as(wrong).isEqualTo("malformed");
        }
    }

    /** What one caller was told. */
    private record Told(String member, boolean joined, boolean moved, long value, long version) {}

    /**
     * Many like and unlike at once, on both instances. Every move that was real has a version of its own; taken in the
     * order of these, each finds its member as it has to, and so does every call that moved no member, at the version
     * of its answer.
     */
    @Test
    void aStormEndsWithAValueThatIsTheNumberOfMembers() throws Exception {
        String counter = fresh();
        List<Told> told = Clients.atOnce(24, number -> {
                    Random random = new Random(number);
                    TallyClient mine = number % 2 == 0 ? client : otherClient;
                    List<Told> answers = new ArrayList<>();
                    for (int i = 0; i < 40; i++) {
                        String member = "m" + random.nextInt(number % 3 == 0 ? 3 : 40);
                        boolean joins = random.nextInt(5) < 3;
                        Answer answer = joins ? join(mine, counter, member) : leave(mine, counter, member);
                        answers.add(told(member, joins, answer));
                    }
                    return answers;
                })
                .stream()
                .flatMap(List::stream)
                .toList();

        check(told);
        Set<String> members = membersAfter(told);
        assertThat(client.value(counter)).isEqualTo(members.size());
        for (String member : members) {
            assertThat(otherClient.get(path(counter, member)).status()).isEqualTo(200);
        }
        assertThat(database.sum("select count(*) from member where name = ?", counter.substring(6)))
                .isEqualTo(members.size());
    }

    /** A leave reports its effect only by the version: a leave without effect has the version of another operation. */
    private static Told told(String member, boolean joins, Answer answer) {
        assertThat(answer.status()).isIn(200, 201);
        assertThat(answer.json().path("member").asBoolean()).isEqualTo(joins);
        return new Told(
                member,
                joins,
                answer.status() == 201,
                answer.json().path("value").asLong(),
                answer.json().path("version").asLong());
    }

    private static void check(List<Told> told) {
        List<Told> inOrder =
                told.stream().sorted(Comparator.comparingLong(Told::version)).toList();
        Set<String> members = new HashSet<>();
        for (int from = 0; from < inOrder.size(); ) {
            long version = inOrder.get(from).version();
            List<Told> same =
                    inOrder.stream().filter(one -> one.version() == version).toList();
            apply(members, same);
            for (Told one : same) {
                assertThat(one.value()).isEqualTo(members.size());
                assertThat(members.contains(one.member())).as(one.toString()).isEqualTo(one.joined());
            }
            from += same.size();
        }
    }

    /** The effective move of a version: the join that reported it, otherwise the leave of an existing member. */
    private static void apply(Set<String> members, List<Told> same) {
        List<Told> joined = same.stream().filter(Told::moved).toList();
        assertThat(joined).hasSizeLessThanOrEqualTo(1);
        if (joined.isEmpty()) {
            List<String> left = same.stream()
                    .filter(one -> !one.joined() && members.contains(one.member()))
                    .map(Told::member)
                    .distinct()
                    .toList();
            assertThat(left).hasSizeLessThanOrEqualTo(1);
            left.forEach(members::remove);
        } else {
            assertThat(members.add(joined.getFirst().member())).isTrue();
        }
    }

    private static Set<String> membersAfter(List<Told> told) {
        Set<String> members = new HashSet<>();
        told.stream()
                .sorted(Comparator.comparingLong(Told::version))
                .map(Told::version)
                .distinct()
                .forEach(version -> apply(
                        members,
                        told.stream().filter(one -> one.version() == version).toList()));
        return members;
    }

    /**
     * Counters that come and go under those who join and leave them, and are sometimes made as plain ones in between.
     */
    @Test
    void removalsTakeTheirMembersAndNoOthers() throws Exception {
        List<String> counters = List.of(fresh(), fresh());
        Clients.atOnce(16, number -> {
            Random random = new Random(number);
            TallyClient mine = number % 2 == 0 ? client : otherClient;
            for (int i = 0; i < 60; i++) {
                String counter = counters.get(random.nextInt(2));
                String member = "m" + random.nextInt(6);
                Answer answer = switch (random.nextInt(6)) {
                    case 0 -> mine.send("DELETE", "/v1/counters/" + counter, "");
                    case 1 -> leave(mine, counter, member);
                    case 2 -> number < 2 ? mine.increment(counter, 1) : join(mine, counter, member);
                    default -> join(mine, counter, member);
                };
                assertThat(answer.status()).isIn(200, 201, 204, 404, 409);
            }
            return number;
        });
        assertThat(wrongCounters()).isZero();
        assertThat(database.sum("select count(*) from member m where not exists (select from counter c"
                        + " where c.namespace = m.namespace and c.name = m.name and c.kind = 'members')"))
                .isZero();
    }

    /** At every moment, the number of members equals the value of the counter. */
    @Test
    void noReaderSeesThemApart() throws Exception {
        String counter = fresh();
        AtomicBoolean over = new AtomicBoolean();
        List<Long> wrong = Clients.atOnce(9, number -> {
            if (number == 8) {
                long found = 0;
                for (int i = 0; i < 5 || !over.get(); i++) {
                    try {
                        found += wrongCounters();
                    } catch (SQLException e) {
                        throw new IllegalStateException(e);
                    }
                }
                return found;
            }
            for (int i = 0; i < 100; i++) {
                String member = "m" + (i % 7) + "-" + (number % 2);
                Answer answer = i % 3 == 2 ? leave(client, counter, member) : join(client, counter, member);
                assertThat(answer.status()).isIn(200, 201);
            }
            over.set(true);
            return 0L;
        });
        assertThat(wrong).containsOnly(0L);
    }
}
