package io.tally.http;

import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.http.codec.CodecCustomizer;
import org.springframework.core.ResolvableType;
import org.springframework.core.codec.Hints;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.DataBufferFactory;
import org.springframework.http.MediaType;
import org.springframework.http.codec.CodecConfigurer;
import org.springframework.http.codec.json.JacksonJsonEncoder;
import org.springframework.http.server.reactive.ServerHttpRequest;
import org.springframework.http.server.reactive.ServerHttpResponse;
import org.springframework.stereotype.Component;
import org.springframework.util.MimeType;

/** Lets Spring write the JSON of responses and events with 64-bit numbers in the form of the request. */
@Component
final class ResponseJsonCodec implements CodecCustomizer {

    private final ResponseJson json;

    ResponseJsonCodec(ResponseJson json) {
        this.json = json;
    }

    @Override
    public void customize(CodecConfigurer codecs) {
        codecs.defaultCodecs().jacksonJsonEncoder(new Encoder(json));
    }

    private static final class Encoder extends JacksonJsonEncoder {

        private static final String FORM = Int64Form.class.getName();

        private final JacksonJsonEncoder strings;

        Encoder(ResponseJson json) {
            super(json.mapper(Int64Form.NUMBER));
            strings = new JacksonJsonEncoder(json.mapper(Int64Form.STRING));
        }

        @Override
        public Map<String, Object> getEncodeHints(
                @Nullable ResolvableType actualType,
                ResolvableType elementType,
                @Nullable MediaType mediaType,
                ServerHttpRequest request,
                ServerHttpResponse response) {
            Map<String, Object> hints = super.getEncodeHints(actualType, elementType, mediaType, request, response);
            Int64Form form = Int64Form.of(request);
            return form == Int64Form.NUMBER ? hints : Hints.merge(hints, FORM, form);
        }

        @Override
        public DataBuffer encodeValue(
                Object value,
                DataBufferFactory buffers,
                ResolvableType type,
                @Nullable MimeType mediaType,
                @Nullable Map<String, Object> hints) {
            return hints != null && hints.get(FORM) == Int64Form.STRING
                    ? strings.encodeValue(value, buffers, type, mediaType, hints)
                    : super.encodeValue(value, buffers, type, mediaType, hints);
        }
    }
}
