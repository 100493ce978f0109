package io.tally.http;

import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.Assert;
import org.springframework.util.unit.DataSize;

/**
 * Limits of the HTTP server beyond those of Spring Boot. {@code application.yml} says how to choose the values.
 *
 * @param requestTimeout the time-out for receiving a request, from its first to its last byte; of a stream, for its
 *     next bytes
 * @param arrayBytesMax the maximum size of an array of increments
 * @param arraysBytesMax the maximum of bytes of all arrays and transactions held at once
 * @param lineBytesMax the maximum size of a line of a stream
 * @param streamBytesMax the maximum of bytes of one stream that are read and not yet answered
 */
@ConfigurationProperties("tally.http")
public record HttpProperties(
        @DefaultValue("10s") Duration requestTimeout,
        @DefaultValue("1MB") DataSize arrayBytesMax,
        @DefaultValue("16MB") DataSize arraysBytesMax,
        @DefaultValue("8KB") DataSize lineBytesMax,
        @DefaultValue("2MB") DataSize streamBytesMax) {

    /** The maximum size of one buffer of a body, received or inflated. */
    public static final DataSize PIECE = DataSize.ofKilobytes(8);

    private static final DataSize ARRAY_MAX = DataSize.ofMegabytes(64);
    private static final DataSize STREAM_MAX = DataSize.ofMegabytes(64);
    private static final DataSize LINE_MIN = DataSize.ofKilobytes(1);
    private static final DataSize LINE_MAX = DataSize.ofKilobytes(64);

    /**
     * Checks each value.
     *
     * @throws IllegalArgumentException with the name of the invalid key
     */
    public HttpProperties {
        Assert.isTrue(requestTimeout.isPositive(), "tally.http.request-timeout must be positive");
        Assert.isTrue(
                isBetween(arrayBytesMax, LINE_MIN, ARRAY_MAX),
                "tally.http.array-bytes-max must be between 1KB and 64MB");
        Assert.isTrue(arraysBytesMax.toBytes() > 0, "tally.http.arrays-bytes-max must be positive");
        Assert.isTrue(
                isBetween(lineBytesMax, LINE_MIN, LINE_MAX), "tally.http.line-bytes-max must be between 1KB and 64KB");
        Assert.isTrue(
                isBetween(streamBytesMax, PIECE, STREAM_MAX),
                "tally.http.stream-bytes-max must be between 8KB and 64MB");
    }

    /** The maximum of buffers of a stream that are read and not yet answered. */
    public int streamPiecesMax() {
        return (int) (streamBytesMax.toBytes() / PIECE.toBytes());
    }

    private static boolean isBetween(DataSize size, DataSize min, DataSize max) {
        return size.compareTo(min) >= 0 && size.compareTo(max) <= 0;
    }
}
