package io.tally.http;

import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.InvalidMediaTypeException;
import org.springframework.http.MediaType;
import org.springframework.util.MimeTypeUtils;
import org.springframework.util.StringUtils;
import org.springframework.web.reactive.function.server.ServerRequest;

/** {@code Accept} (RFC 9110, section 12.5.1). Problems ignore it (RFC 9457, section 3). */
public final class Accept {

    private Accept() {}

    /**
     * The offered type that a request prefers; empty if the request accepts none of them. The type with the highest
     * quality wins. The most specific matching range determines the quality of a type. Among equal qualities, the more
     * specific range wins, then the first offered type. An invalid range matches nothing. Parameters of a range other
     * than its quality are ignored.
     */
    public static Optional<MediaType> preferred(ServerRequest request, List<MediaType> offered) {
        return preferred(request.headers().header(HttpHeaders.ACCEPT), offered);
    }

    static Optional<MediaType> preferred(List<String> fields, List<MediaType> offered) {
        List<MediaType> ranges = ranges(fields);
        if (ranges == null) {
            return Optional.of(offered.getFirst());
        }
        MediaType preferred = null;
        Weight greatest = Weight.NONE;
        for (MediaType type : offered) {
            Weight weight = weight(type, ranges);
            if (weight.quality() > 0 && weight.compareTo(greatest) > 0) {
                greatest = weight;
                preferred = type;
            }
        }
        return Optional.ofNullable(preferred);
    }

    /** {@code null}: the request accepts everything. */
    private static @Nullable List<MediaType> ranges(List<String> fields) {
        if (!StringUtils.hasText(String.join("", fields))) {
            return null;
        }
        return fields.stream()
                .flatMap(field -> MimeTypeUtils.tokenize(field).stream())
                .flatMap(Accept::range)
                .toList();
    }

    private static Stream<MediaType> range(String text) {
        try {
            return Stream.of(MediaType.parseMediaType(text));
        } catch (InvalidMediaTypeException unreadable) {
            return Stream.empty();
        }
    }

    private static Weight weight(MediaType type, List<MediaType> ranges) {
        Weight weight = Weight.NONE;
        for (MediaType range : ranges) {
            int exactness = range.isWildcardType() ? 1 : range.isWildcardSubtype() ? 2 : 3;
            Weight found = new Weight(range.getQualityValue(), exactness);
            if (range.includes(type)
                    && (exactness > weight.exactness()
                            || (exactness == weight.exactness() && found.compareTo(weight) > 0))) {
                weight = found;
            }
        }
        return weight;
    }

    /** The rank of a type in a request. */
    private record Weight(double quality, int exactness) implements Comparable<Weight> {

        static final Weight NONE = new Weight(0, 0);

        @Override
        public int compareTo(Weight other) {
            int byQuality = Double.compare(quality, other.quality);
            return byQuality != 0 ? byQuality : Integer.compare(exactness, other.exactness);
        }
    }
}
