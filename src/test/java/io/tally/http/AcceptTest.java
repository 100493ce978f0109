package io.tally.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.http.MediaType;

/** RFC 9110, section 12.5.1. */
class AcceptTest {

    private static final List<MediaType> OFFERED = List.of(MediaType.APPLICATION_JSON, MediaType.TEXT_EVENT_STREAM);

    /** Two fields are written with a bar between them. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '>',
            value = {
                "''                                                        > application/json",
                "*/*                                                       > application/json",
                "application/*                                             > application/json",
                "application/json, text/plain, */*                         > application/json",
                "text/*                                                    > text/event-stream",
                "text/event-stream                                         > text/event-stream",
                "Text/Event-Stream                                         > text/event-stream",
                "application/json, text/event-stream                       > application/json",
                "text/event-stream, application/json                       > application/json",
                "text/event-stream, */*                                    > text/event-stream",
                "application/json;q=0.5, text/event-stream                 > text/event-stream",
                "application/json;q=0.5 | text/event-stream;q=0.4          > application/json",
                "text/event-stream;q=0.5, application/json                 > application/json",
                "text/event-stream;q=0, */*                                > application/json",
                "*/*, application/json;q=0                                 > text/event-stream",
                "application/json;q=0.1, */*;q=1                           > text/event-stream",
                "application/*;q=0.2, application/json;q=0.9, text/*;q=0.5 > application/json",
                "*/*;q=0, application/json                                 > application/json",
                "application/json, */*;q=0                                 > application/json",
                "application/json;charset=utf-8                            > application/json",
                "application/json;q=0.3, application/json;charset=utf-8    > application/json",
                "application/problem+json, application/json                > application/json",
                "text/html, image/gif, *; q=.2, */*; q=.2                  > application/json",
                "garbage, text/event-stream                                > text/event-stream",
                "application/json;q=7, text/event-stream                   > text/event-stream",
                "text/html;note=\"a, b\", application/json                 > application/json",
                "garbage                                                   > none",
                "text/html                                                 > none",
                "application/problem+json                                  > none",
                "application/*+json                                        > none",
                "*/*;q=0                                                   > none",
                "application/json;q=0                                      > none",
                "application/json;q=0.000, text/event-stream;q=0           > none",
                "application/*;q=0, text/html                              > none",
                "*/*;q=0, application/xml                                  > none"
            })
    void greatestQualityOfTheMostExactRangeWins(String accept, String preferred) {
        assertThat(Accept.preferred(List.of(accept.split("\\|")), OFFERED)
                        .map(MediaType::toString)
                        .orElse("none"))
                .isEqualTo(preferred);
    }
}
