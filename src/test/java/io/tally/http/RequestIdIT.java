package io.tally.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.testing.TallyClient;
import io.tally.testing.TallyClient.Answer;
import io.tally.testing.TallyServer;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What a request is called, in problems of every making. That each problem has a name, {@link MalformedRequestsIT}
 * shows.
 */
class RequestIdIT {

    private static final String ABSENT = "/v1/counters/ids/absent";

    private static TallyClient client;

    @BeforeAll
    static void start() {
        client = new TallyClient(TallyServer.shared().uri());
    }

    @ParameterizedTest
    @ValueSource(strings = {"7f1c", "3d1b0e0c-5c1f-4c57-9a35-8c0c1b1f2a77", "a\"b\\c/d=e", "!~"})
    void givenNameIsKept(String id) {
        Answer outcome = client.get(ABSENT, RequestId.HEADER, id);
        Answer refusal = client.send("POST", ABSENT + "/increments", "{\"delta\":", RequestId.HEADER, id);
        Answer noRoute = client.get("/v1/nothing", RequestId.HEADER, id);

        assertThat(outcome.status()).isEqualTo(404);
        assertThat(refusal.status()).isEqualTo(400);
        assertThat(noRoute.status()).isEqualTo(404);
        for (Answer answer : new Answer[] {outcome, refusal, noRoute}) {
            assertThat(name(answer)).isEqualTo(id);
            assertThat(answer.header(RequestId.HEADER)).isEqualTo(id);
        }
    }

    @Test
    void longestNameIsKept() {
        String longest = "x".repeat(128);

        assertThat(name(client.get(ABSENT, RequestId.HEADER, longest))).isEqualTo(longest);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " ", "two words", "tab\tbed"})
    void nameThatCouldBeMistakenIsNot(String id) {
        Answer answer = client.get(ABSENT, RequestId.HEADER, id);

        assertThat(answer.status()).isEqualTo(404);
        assertThat(name(answer)).isNotBlank().isNotEqualTo(id).matches("[\\w-]+");
    }

    @Test
    void nameThatIsTooLongIsNotKept() {
        assertThat(name(client.get(ABSENT, RequestId.HEADER, "x".repeat(129)))).doesNotContain("xx");
    }

    @Test
    void requestsWithoutANameAreNotCalledTheSame() {
        assertThat(name(client.get(ABSENT))).isNotBlank().isNotEqualTo(name(client.get(ABSENT)));
    }

    @Test
    void answerWithoutAProblemHasNone() {
        Answer answer = client.increment("ids/present", 1, RequestId.HEADER, "7f1c");

        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.headers().firstValue(RequestId.HEADER)).isEmpty();
    }

    private static String name(Answer answer) {
        return answer.json().path(RequestId.NAME).asString("");
    }
}
