package io.tally.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.net.URI;
import java.util.HashMap;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.springframework.http.ProblemDetail;
import tools.jackson.databind.json.JsonMapper;

class SharedProblemsTest {

    private static final int KEPT_MAX = 10;
    private static final String DETAIL = "A line holds one JSON object.";

    private final SharedProblems shared = new SharedProblems(KEPT_MAX);

    @Test
    void isTheSameObjectForTheSameTypeAndDetail() {
        ProblemDetail problem = shared.of(ProblemType.MALFORMED, DETAIL);

        assertThat(shared.of(ProblemType.MALFORMED, DETAIL)).isSameAs(problem);
        assertThat(shared.of(ProblemType.CONTENT_TOO_LARGE, DETAIL).getType())
                .isEqualTo(URI.create(ProblemType.CONTENT_TOO_LARGE.uri()));
    }

    @Test
    void cannotBeChanged() {
        ProblemDetail immutable = shared.of(ProblemType.MALFORMED, DETAIL);
        List<Consumer<ProblemDetail>> setters = List.of(
                problem -> problem.setType(URI.create("/other")),
                problem -> problem.setTitle("other"),
                problem -> problem.setStatus(500),
                problem -> problem.setDetail("other"),
                problem -> problem.setInstance(URI.create("/other")),
                problem -> problem.setProperty("other", 1),
                problem -> problem.setProperties(new HashMap<>()));

        assertThat(setters)
                .allSatisfy(setter -> assertThatExceptionOfType(UnsupportedOperationException.class)
                        .isThrownBy(() -> setter.accept(immutable)));
        assertThat(immutable).isEqualTo(Problems.problem(ProblemType.MALFORMED, DETAIL));
    }

    @Test
    void detailsWithoutEndDoNotFillTheMemory() {
        ProblemDetail first = shared.of(ProblemType.MALFORMED, "0 is no delta.");
        for (int i = 1; i < KEPT_MAX * 2; i++) {
            assertThat(shared.of(ProblemType.MALFORMED, i + " is no delta.").getDetail())
                    .startsWith(i + " ");
        }
        ProblemDetail last = shared.of(ProblemType.MALFORMED, "99 is no delta.");

        assertThat(shared.of(ProblemType.MALFORMED, "99 is no delta.")).isNotSameAs(last);
        assertThat(shared.of(ProblemType.MALFORMED, "0 is no delta.")).isSameAs(first);
    }

    @Test
    void isWrittenAsAnyOther() {
        JsonMapper json = new JsonMapper();
        assertThat(json.writeValueAsString(shared.of(ProblemType.MALFORMED, DETAIL)))
                .isEqualTo(json.writeValueAsString(Problems.problem(ProblemType.MALFORMED, DETAIL)));
    }
}
