package io.tally.http;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PushbackInputStream;
import java.io.Reader;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.exc.JacksonIOException;
import tools.jackson.core.io.IOContext;
import tools.jackson.core.io.InputDecorator;

/**
 * The byte order mark that some editors and tools write before UTF-8. JSON that the service reads may begin with one
 * (RFC 8259, section 8.1); it is ignored.
 */
public final class ByteOrderMark extends InputDecorator {

    private static final long serialVersionUID = 1L;

    private static final byte[] MARK = {(byte) 0xEF, (byte) 0xBB, (byte) 0xBF};

    /** The offset of the text in these bytes: after the mark, if there is one. */
    public static int end(byte[] bytes, int from, int to) {
        int end = from + MARK.length;
        return end <= to && Arrays.equals(bytes, from, end, MARK, 0, MARK.length) ? end : from;
    }

    @Override
    public @Nullable InputStream decorate(IOContext context, byte[] bytes, int offset, int length) {
        int to = offset + length;
        int start = end(bytes, offset, to);
        return start == offset ? null : new ByteArrayInputStream(bytes, start, to - start);
    }

    @Override
    public InputStream decorate(IOContext context, InputStream in) {
        PushbackInputStream text = new PushbackInputStream(in, MARK.length);
        try {
            byte[] first = text.readNBytes(MARK.length);
            int start = end(first, 0, first.length);
            text.unread(first, start, first.length - start);
        } catch (IOException unreadable) {
            throw JacksonIOException.construct(unreadable);
        }
        return text;
    }

    @Override
    public Reader decorate(IOContext context, Reader reader) {
        return reader;
    }
}
