package io.tally.http;

import java.math.BigInteger;
import java.util.List;
import org.springframework.boot.jackson.autoconfigure.JsonMapperBuilderCustomizer;
import org.springframework.stereotype.Component;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.core.util.JsonGeneratorDelegate;
import tools.jackson.databind.json.JsonMapper;

/**
 * The JSON mappers of responses: one for each form of 64-bit numbers. The Java type decides what a 64-bit number is:
 * {@code long}, and {@link BigInteger} for sums of such numbers. Safe for use by many threads.
 */
@Component
public final class ResponseJson {

    private final JsonMapper numbers;
    private final JsonMapper strings;

    /**
     * The mappers.
     *
     * @param numbers writes numbers
     * @param customizers those of that mapper, for the other one
     */
    public ResponseJson(JsonMapper numbers, List<JsonMapperBuilderCustomizer> customizers) {
        this.numbers = numbers;
        JsonFactory factory = numbers.tokenStreamFactory()
                .rebuild()
                .addDecorator((plain, generator) -> new Int64Strings(generator))
                .build();
        JsonMapper.Builder builder = JsonMapper.builder(factory);
        customizers.forEach(customizer -> customizer.customize(builder));
        this.strings = builder.build();
    }

    /** The mapper that writes 64-bit numbers in that form. */
    public JsonMapper mapper(Int64Form form) {
        return switch (form) {
            case NUMBER -> numbers;
            case STRING -> strings;
        };
    }

    /** Writes 64-bit numbers as strings. */
    private static final class Int64Strings extends JsonGeneratorDelegate {

        Int64Strings(JsonGenerator generator) {
            super(generator, /* delegateCopyMethods= */ false);
        }

        @Override
        public JsonGenerator writeNumber(long number) {
            delegate.writeString(Long.toString(number));
            return this;
        }

        @Override
        public JsonGenerator writeNumber(BigInteger number) {
            delegate.writeString(number.toString());
            return this;
        }
    }
}
