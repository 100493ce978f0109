package io.tally.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** RFC 9110, sections 5.6.1 and 8.8.3. */
class EntityTagsTest {

    /** Tags are written with bars between them. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '>',
            quoteCharacter = '\'',
            value = {
                "\"1\"                  > \"1\"",
                "\"\"                   > \"\"",
                "W/\"\"                 > W/\"\"",
                "\"1\" , W/\"2\"        > \"1\"|W/\"2\"",
                "\"1\",\"\",\"2\"       > \"1\"|\"\"|\"2\"",
                "\"a,b\"                > \"a,b\"",
                "\"a,b\",\"W/\",\"\\\"  > \"a,b\"|\"W/\"|\"\\\"",
                ",, \"1\" ,\t, \"2\",   > \"1\"|\"2\"",
                "\"*\"                  > \"*\""
            })
    void listIsReadAsItsTags(String list, String tags) {
        EntityTags parsed = EntityTags.parse(list);
        assertThat(parsed.any()).isFalse();
        assertThat(parsed.tags()).isEqualTo(Arrays.stream(tags.split("\\|", -1)).collect(Collectors.toSet()));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                ",",
                "1",
                "\"",
                "\"1",
                "1\"",
                "w/\"1\"",
                "W/1",
                "W/ \"1\"",
                "\"1\" \"2\"",
                "\"1\"\"2\"",
                "*,*",
                "*, \"1\"",
                "\"1\"x",
                "'1'"
            })
    void restIsMalformed(String list) {
        assertThatThrownBy(() -> EntityTags.parse(list)).isInstanceOf(ProblemException.class);
    }

    @Test
    void comparesStronglyAndWeakly() {
        EntityTags tags = EntityTags.parse("\"1\", W/\"2\", \"\", \"03\", \"99999999999999999999\"");
        assertThat(tags.matchStrongly("\"1\"")).isTrue();
        assertThat(tags.matchStrongly("\"2\"")).isFalse();
        assertThat(tags.matchWeakly("\"2\"")).isTrue();
        assertThat(tags.matchWeakly("\"3\"")).isFalse();
        assertThat(tags.versions()).isEqualTo(Set.of(1L));
        assertThat(EntityTags.parse(" * ").matchStrongly("\"7\"")).isTrue();
    }
}
