package io.tally.http.server;

import io.tally.http.Bodies;
import io.tally.http.HttpProperties;
import io.tally.http.ProblemException;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.zip.CRC32;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;
import org.jspecify.annotations.Nullable;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.DataBufferUtils;
import org.springframework.core.io.buffer.DefaultDataBufferFactory;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Inflates one gzip body (RFC 1952) as it arrives. Inflates a piece only on demand of the subscriber: a kilobyte may
 * inflate to a megabyte, which is never in memory at once. Several members are one body, and no bytes at all are an
 * empty body.
 *
 * <p>The decoders of the JDK and Netty ignore bytes after a member and a truncated trailer, so this class reads the
 * headers and trailers of members itself.
 */
final class Gunzip {

    private static final int PIECE_BYTES = (int) HttpProperties.PIECE.toBytes();

    /** ID1, ID2 and CM, little-endian. */
    private static final long DEFLATED = 0x08_8b_1f;

    private static final int RESERVED_FLAGS = 0b1110_0000;

    /** The parts of a member in order, each with the flag that announces it and its length in bytes. */
    private enum Part {
        START(0, 4),
        TIME_AND_SYSTEM(0, 6),
        EXTRA_LENGTH(1 << 2, 2),
        EXTRA(1 << 2, 0),
        NAME(1 << 3, 0),
        COMMENT(1 << 4, 0),
        HEADER_CRC(1 << 1, 2),
        DATA(0, 0),
        TRAILER(0, 8);

        private static final List<Part> ORDER = List.of(values());

        private final int flag;
        private final int length;

        Part(int flag, int length) {
            this.flag = flag;
            this.length = length;
        }

        boolean isText() {
            return this == NAME || this == COMMENT;
        }

        Part next() {
            return ORDER.get((ORDER.indexOf(this) + 1) % ORDER.size());
        }
    }

    private final Inflater inflater = new Inflater(true);
    private final CRC32 crc = new CRC32();
    private final byte[] inflated = new byte[PIECE_BYTES];
    private byte[] input = new byte[0];
    private int position;
    /** Whether the inflater may have further output after it has read all input. */
    private boolean pending;

    private boolean closed;

    private Part part = Part.START;
    private int flags;
    /** The length of the part, and the number of its bytes read so far. */
    private int length = part.length;

    private int count;
    /** The first bytes of the part, little-endian. */
    private long field;

    private Gunzip() {}

    /**
     * The inflated body.
     *
     * @param compressed its buffers are released by this method
     * @return fails with a {@link ProblemException} if the body is not gzip or is truncated
     */
    static Flux<DataBuffer> inflate(Flux<DataBuffer> compressed) {
        return Flux.using(Gunzip::new, gunzip -> gunzip.pieces(compressed), Gunzip::close);
    }

    private Flux<DataBuffer> pieces(Flux<DataBuffer> compressed) {
        return compressed
                .map(Gunzip::bytes)
                .concatMapIterable(this::pieces, 1)
                .concatWith(Mono.fromRunnable(this::requireEnd));
    }

    private static byte[] bytes(DataBuffer compressed) {
        byte[] bytes = new byte[compressed.readableByteCount()];
        compressed.read(bytes);
        DataBufferUtils.release(compressed);
        return bytes;
    }

    private Iterable<DataBuffer> pieces(byte[] compressed) {
        take(compressed);
        return Pieces::new;
    }

    private synchronized void take(byte[] compressed) {
        input = compressed;
        position = 0;
        if (part == Part.DATA && !closed) {
            inflater.setInput(input);
        }
    }

    /** The inflated pieces of the current buffer. */
    private final class Pieces implements Iterator<DataBuffer> {

        private @Nullable DataBuffer next;

        @Override
        public boolean hasNext() {
            if (next == null) {
                next = piece();
            }
            return next != null;
        }

        @Override
        public DataBuffer next() {
            if (!hasNext()) {
                throw new NoSuchElementException();
            }
            DataBuffer piece = Objects.requireNonNull(next);
            next = null;
            return piece;
        }
    }

    /** The next piece; {@code null} if it needs more input. */
    private synchronized @Nullable DataBuffer piece() {
        int filled = 0;
        while (!closed && filled < PIECE_BYTES && (pending || position < input.length)) {
            if (part == Part.DATA) {
                filled += inflate(filled);
            } else {
                read(input[position++] & 0xff);
            }
        }
        return filled == 0 ? null : DefaultDataBufferFactory.sharedInstance.wrap(Arrays.copyOf(inflated, filled));
    }

    /** Inflates into the rest of the piece. */
    private int inflate(int from) {
        try {
            int written = inflater.inflate(inflated, from, PIECE_BYTES - from);
            require(!inflater.needsDictionary());
            crc.update(inflated, from, written);
            position = input.length - inflater.getRemaining();
            pending = !inflater.finished() && from + written == PIECE_BYTES;
            if (inflater.finished()) {
                begin(Part.TRAILER);
            }
            return written;
        } catch (DataFormatException invalid) {
            throw malformed();
        }
    }

    /** Reads a byte of a header or a trailer. */
    private void read(int octet) {
        if (part != Part.HEADER_CRC && part != Part.TRAILER) {
            crc.update(octet);
        }
        if (count < Long.BYTES) {
            field |= (long) octet << (Byte.SIZE * count);
        }
        count++;
        if (part.isText() ? octet == 0 : count == length) {
            end();
        }
    }

    private void end() {
        switch (part) {
            case START -> {
                flags = (int) (field >>> 24);
                require((field & 0xffffff) == DEFLATED && (flags & RESERVED_FLAGS) == 0);
            }
            case HEADER_CRC -> require(field == (crc.getValue() & 0xffff));
            case TRAILER ->
                require(crc.getValue() == (field & 0xffff_ffffL)
                        && (inflater.getBytesWritten() & 0xffff_ffffL) == field >>> 32);
            default -> {
                // Only the length of the following part matters.
            }
        }
        Part next = part.next();
        while ((flags & next.flag) != next.flag || (next == Part.EXTRA && part == Part.EXTRA_LENGTH && field == 0)) {
            next = next.next();
        }
        begin(next);
    }

    private void begin(Part next) {
        length = next == Part.EXTRA ? (int) field : next.length;
        part = next;
        count = 0;
        field = 0;
        if (next == Part.START) {
            crc.reset();
        } else if (next == Part.DATA) {
            crc.reset();
            inflater.reset();
            inflater.setInput(input, position, input.length - position);
        }
    }

    private void requireEnd() {
        require(part == Part.START && count == 0);
    }

    /**
     * Synchronized, since cancellation may come from any thread and must not free memory while another thread inflates.
     */
    private synchronized void close() {
        closed = true;
        inflater.end();
    }

    private static void require(boolean holds) {
        if (!holds) {
            throw malformed();
        }
    }

    private static ProblemException malformed() {
        return Bodies.malformed("The body is not gzip, or it is incomplete.");
    }
}
