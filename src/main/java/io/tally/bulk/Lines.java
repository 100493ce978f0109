package io.tally.bulk;

import io.tally.bulk.BulkItem.Malformed;
import io.tally.bulk.BulkItem.StreamIncomplete;
import io.tally.http.ByteOrderMark;
import io.tally.http.ProblemType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.DataBufferUtils;
import org.springframework.http.ProblemDetail;

/**
 * Cuts a body into lines as it arrives, and reads each as an item. A line may begin in one buffer and end in a later
 * one; a line that exceeds the limit is skipped and not kept in memory. Blank lines are counted and skipped. For one
 * body, one buffer at a time.
 */
final class Lines<T> {

    /** The maximum of items in a block. It limits the unanswered items, even if the lines are short. */
    private static final int BLOCK_MAX = 256;

    private final ItemReader<T> reader;
    private final int lineBytesMax;
    private byte[] begun = new byte[0];
    private boolean tooLong;
    private @Nullable ProblemDetail broken;
    private long line;

    Lines(ItemReader<T> reader, int lineBytesMax) {
        this.reader = reader;
        this.lineBytesMax = lineBytesMax;
    }

    /** The items of the lines that end in this buffer, in blocks; releases the buffer. */
    List<List<BulkItem<T>>> blocks(DataBuffer buffer) {
        byte[] bytes = joined(buffer);
        List<BulkItem<T>> found = new ArrayList<>();
        int from = 0;
        for (int i = begun.length; i < bytes.length; i++) {
            if (bytes[i] == '\n') {
                end(bytes, from, i, found);
                from = i + 1;
            }
        }
        begin(bytes, from);
        return cut(found);
    }

    /** Signals that the rest of the body does not arrive. */
    void breakOff(ProblemDetail problem) {
        broken = problem;
    }

    /**
     * The items after the last buffer: a last line without a line feed, or the item for the missing rest.
     */
    List<List<BulkItem<T>>> last() {
        List<BulkItem<T>> found = new ArrayList<>();
        ProblemDetail missing = broken;
        if (missing == null) {
            end(begun, 0, begun.length, found);
        } else {
            found.add(new StreamIncomplete<>(line + 1, missing));
        }
        return cut(found);
    }

    private byte[] joined(DataBuffer buffer) {
        int length = buffer.readableByteCount();
        byte[] bytes = Arrays.copyOf(begun, begun.length + length);
        buffer.read(bytes, begun.length, length);
        DataBufferUtils.release(buffer);
        return bytes;
    }

    private void begin(byte[] bytes, int from) {
        tooLong |= bytes.length - from > lineBytesMax;
        begun = tooLong ? new byte[0] : Arrays.copyOfRange(bytes, from, bytes.length);
    }

    private void end(byte[] bytes, int lineFrom, int to, List<BulkItem<T>> found) {
        line++;
        int from = line == 1 ? ByteOrderMark.end(bytes, lineFrom, to) : lineFrom;
        if (tooLong || to - from > lineBytesMax) {
            tooLong = false;
            found.add(new Malformed<>(
                    line, ProblemType.CONTENT_TOO_LARGE, "A line must have at most " + lineBytesMax + " bytes."));
        } else if (!isBlank(bytes, from, to)) {
            found.add(reader.line(bytes, from, to - from, line));
        }
    }

    private static boolean isBlank(byte[] bytes, int from, int to) {
        for (int i = from; i < to; i++) {
            if (bytes[i] != ' ' && bytes[i] != '\t' && bytes[i] != '\r') {
                return false;
            }
        }
        return true;
    }

    private static <T> List<List<BulkItem<T>>> cut(List<BulkItem<T>> found) {
        List<List<BulkItem<T>>> blocks = new ArrayList<>();
        for (int from = 0; from < found.size(); from += BLOCK_MAX) {
            blocks.add(found.subList(from, Math.min(from + BLOCK_MAX, found.size())));
        }
        return blocks;
    }
}
