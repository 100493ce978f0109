package io.tally.http.server;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.tally.http.HttpProperties;
import io.tally.http.ProblemException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.zip.CRC32;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.NettyDataBufferFactory;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Flux;

class GunzipTest {

    private static final String TEXT = "{\"delta\":1}\n".repeat(5_000);

    private final NettyDataBufferFactory buffers = new NettyDataBufferFactory(UnpooledByteBufAllocator.DEFAULT);
    private final List<ByteBuf> sent = new ArrayList<>();

    @AfterEach
    void everyBufferIsReleased() {
        assertThat(sent).allSatisfy(buffer -> assertThat(buffer.refCnt()).isZero());
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 7, 64, 1_000_000})
    void inflatesBuffersOfAnySize(int size) {
        assertThat(inflate(gzip(TEXT), size)).isEqualTo(TEXT);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 5, 1_000_000})
    void membersAreOneBody(int size) {
        assertThat(inflate(join(gzip(TEXT), gzip(""), gzip("x"), gzip(TEXT)), size))
                .isEqualTo(TEXT + "x" + TEXT);
    }

    @Test
    void nothingIsAnEmptyBody() {
        assertThat(inflate(new byte[0], 1)).isEmpty();
        assertThat(inflate(gzip(""), 3)).isEmpty();
    }

    /** The flags say which optional fields a header has. */
    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 4, 8, 16, 4 + 8, 8 + 16, 2 + 4 + 8 + 16, 31})
    void headersMayHaveOptionalFields(int flags) {
        assertThat(inflate(withHeader(flags, "extra"), 1)).isEqualTo(TEXT);
        assertThat(inflate(withHeader(flags, ""), 1_000_000)).isEqualTo(TEXT);
    }

    @ParameterizedTest
    @ValueSource(ints = {32, 64, 128})
    void reservedFlagsAreMalformed(int flags) {
        assertMalformed(withHeader(flags, ""));
    }

    @Test
    void wrongHeaderChecksumIsMalformed() {
        byte[] body = withHeader(2, "");
        body[10] ^= 1;
        assertMalformed(body);
    }

    @Test
    void everyMissingEndIsMalformed() {
        byte[] body = withHeader(2 + 4 + 8 + 16, "extra");
        for (int length = 1; length < body.length; length++) {
            assertMalformed(Arrays.copyOf(body, length));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 4, 5, 8})
    void wrongTrailerIsMalformed(int fromEnd) {
        byte[] body = gzip(TEXT);
        body[body.length - fromEnd] ^= 1;
        assertMalformed(body);
    }

    @ParameterizedTest
    @ValueSource(strings = {"\0", "\n", "garbage", "{\"delta\":1}", "\u001f\u008b", "\u001f\u008b\u0008"})
    void bytesBehindAMemberAreMalformed(String garbage) {
        assertMalformed(join(gzip(TEXT), garbage.getBytes(ISO_8859_1)));
    }

    @ParameterizedTest
    @ValueSource(strings = {"{\"delta\":1}", "\u001f\u008b\u0007\0\0\0\0\0\0\0", "x\u009c\u0003\0\0\0\0\u0001"})
    void otherBytesAreMalformed(String bytes) {
        assertMalformed(bytes.getBytes(ISO_8859_1));
    }

    @Test
    void invalidDataIsMalformed() {
        byte[] body = gzip(TEXT);
        Arrays.fill(body, 12, 40, (byte) 0xff);
        assertMalformed(body);
    }

    /** A gigabyte in a megabyte: what is not requested is not inflated. */
    @Test
    void inflatesOnlyWhatIsRequested() {
        byte[] bomb = gzip("\0".repeat(1 << 20));
        List<Integer> sizes = new ArrayList<>();
        BaseSubscriber<DataBuffer> subscriber = new BaseSubscriber<>() {
            @Override
            protected void hookOnSubscribe(org.reactivestreams.Subscription subscription) {
                subscription.request(2);
            }

            @Override
            protected void hookOnNext(DataBuffer piece) {
                sizes.add(piece.readableByteCount());
            }
        };
        Flux<DataBuffer> endless = Flux.generate(sink -> sink.next(buffer(bomb, 0, bomb.length)));
        Gunzip.inflate(endless).subscribe(subscriber);

        assertThat(sizes)
                .hasSize(2)
                .allSatisfy(size -> assertThat(size).isLessThanOrEqualTo((int) HttpProperties.PIECE.toBytes()));
        subscriber.cancel();
        assertThat(sent.size()).isLessThanOrEqualTo(3);
    }

    @Test
    void failureOfTheBodyIsPassedOn() {
        byte[] body = gzip(TEXT);
        Flux<DataBuffer> broken = Flux.concat(
                Flux.defer(() -> Flux.just(buffer(body, 0, 20))), Flux.error(new IllegalStateException("reset")));
        assertThatExceptionOfType(IllegalStateException.class)
                .isThrownBy(() -> Gunzip.inflate(broken).blockLast())
                .withMessage("reset");
    }

    private void assertMalformed(byte[] body) {
        for (int size : List.of(3, 1_000_000)) {
            assertThatExceptionOfType(ProblemException.class)
                    .isThrownBy(() -> inflate(body, size))
                    .satisfies(
                            problem -> assertThat(problem.problem().getStatus()).isEqualTo(400));
        }
    }

    private String inflate(byte[] body, int size) {
        ByteArrayOutputStream inflated = new ByteArrayOutputStream();
        Gunzip.inflate(Flux.range(0, (body.length + size - 1) / size)
                        .map(i -> buffer(body, i * size, Math.min(body.length, (i + 1) * size))))
                .doOnNext(piece -> inflated.writeBytes(bytes(piece)))
                .blockLast();
        return inflated.toString(UTF_8);
    }

    private DataBuffer buffer(byte[] bytes, int from, int to) {
        ByteBuf buffer = UnpooledByteBufAllocator.DEFAULT.buffer(to - from).writeBytes(bytes, from, to - from);
        sent.add(buffer);
        return buffers.wrap(buffer);
    }

    private static byte[] bytes(DataBuffer piece) {
        byte[] bytes = new byte[piece.readableByteCount()];
        piece.read(bytes);
        return bytes;
    }

    /** A member with the optional fields that the flags name. */
    private static byte[] withHeader(int flags, String extra) {
        ByteArrayOutputStream header = new ByteArrayOutputStream();
        header.writeBytes(new byte[] {0x1f, (byte) 0x8b, 8, (byte) flags, 1, 2, 3, 4, 0, 3});
        if ((flags & 4) != 0) {
            header.writeBytes(new byte[] {(byte) extra.length(), 0});
            header.writeBytes(extra.getBytes(UTF_8));
        }
        header.writeBytes((flags & 8) != 0 ? "a name\0".getBytes(UTF_8) : new byte[0]);
        header.writeBytes((flags & 16) != 0 ? "a comment\0".getBytes(UTF_8) : new byte[0]);
        if ((flags & 2) != 0) {
            CRC32 crc = new CRC32();
            crc.update(header.toByteArray());
            header.write((int) crc.getValue() & 0xff);
            header.write((int) crc.getValue() >>> 8 & 0xff);
        }
        byte[] plain = gzip(TEXT);
        return join(header.toByteArray(), Arrays.copyOfRange(plain, 10, plain.length));
    }

    private static byte[] join(byte[]... parts) {
        ByteArrayOutputStream joined = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            joined.writeBytes(part);
        }
        return joined.toByteArray();
    }

    private static byte[] gzip(String text) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (GZIPOutputStream gzip = new GZIPOutputStream(bytes)) {
            gzip.write(text.getBytes(UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }
}
