package io.tally.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.annotation.JsonRawValue;
import java.io.ByteArrayOutputStream;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.springframework.boot.jackson.autoconfigure.JsonMapperBuilderCustomizer;
import tools.jackson.core.JsonGenerator;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.json.JsonMapper;

class ResponseJsonTest {

    private static final JsonMapperBuilderCustomizer SNAKE_CASE =
            builder -> builder.propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE);

    private final ResponseJson json = new ResponseJson(
            JsonMapper.builder()
                    .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
                    .build(),
            List.of(SNAKE_CASE));

    record Numbers(
            long plain,
            @Nullable Long boxed,
            @Nullable Long none,
            BigInteger sum,
            int smallNumber,
            double seconds,
            @JsonRawValue long line,
            List<Long> list,
            Map<String, Object> more) {}

    private static Numbers numbers() {
        Map<String, Object> more = new LinkedHashMap<>();
        more.put("value", Long.MIN_VALUE);
        more.put("item", 4);
        return new Numbers(Long.MAX_VALUE, -1L, null, BigInteger.TWO.pow(70), 2, 0.5, 3, List.of(0L), more);
    }

    @Test
    void numbersStayNumbers() {
        assertThat(json.mapper(Int64Form.NUMBER).writeValueAsString(numbers()))
                .isEqualTo("{\"plain\":9223372036854775807,\"boxed\":-1,\"none\":null,\"sum\":1180591620717411303424,"
                        + "\"small_number\":2,\"seconds\":0.5,\"line\":3,\"list\":[0],"
                        + "\"more\":{\"value\":-9223372036854775808,\"item\":4}}");
    }

    @Test
    void onlyNumbersOf64BitsBecomeStrings() {
        assertThat(json.mapper(Int64Form.STRING).writeValueAsString(numbers()))
                .isEqualTo("{\"plain\":\"9223372036854775807\",\"boxed\":\"-1\",\"none\":null,"
                        + "\"sum\":\"1180591620717411303424\",\"small_number\":2,\"seconds\":0.5,\"line\":3,"
                        + "\"list\":[\"0\"],\"more\":{\"value\":\"-9223372036854775808\",\"item\":4}}");
    }

    @Test
    void generatorsWriteTheFormToo() {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (JsonGenerator generator = json.mapper(Int64Form.STRING)
                .writer()
                .withRootValueSeparator("\n")
                .createGenerator(bytes)) {
            for (long value = 1; value <= 2; value++) {
                generator.writeStartObject();
                generator.writeNumberProperty("value", value);
                generator.writePOJOProperty("pojo", Map.of("limit", value));
                generator.writeEndObject();
            }
        }
        assertThat(bytes.toString(StandardCharsets.UTF_8))
                .isEqualTo(
                        "{\"value\":\"1\",\"pojo\":{\"limit\":\"1\"}}\n{\"value\":\"2\",\"pojo\":{\"limit\":\"2\"}}");
    }
}
