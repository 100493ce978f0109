package io.tally.http;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.zip.Deflater;
import java.util.zip.GZIPOutputStream;
import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;
import org.springframework.util.function.SingletonSupplier;
import org.springframework.web.reactive.function.server.ServerRequest;
import org.springframework.web.reactive.function.server.ServerResponse;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/**
 * A file of the release, with a digest as its entity tag. The first request reads it, so that a start does not wait for
 * it. After that it stays in memory. Safe for use by many threads.
 */
public final class ServedFile {

    private final MediaType type;
    private final Supplier<Content> content;
    private final Supplier<Content> compressed;

    /** @param bytes the content; called once, on a thread that may block */
    public ServedFile(MediaType type, Supplier<byte[]> bytes) {
        this.type = type;
        this.content = SingletonSupplier.of(() -> new Content(bytes.get()));
        this.compressed = SingletonSupplier.of(() -> new Content(gzip(content.get().bytes)));
    }

    /** A file of the class path. */
    public static ServedFile ofClasspath(MediaType type, String path) {
        return new ServedFile(type, () -> read(path));
    }

    private static final class Content {

        private final byte[] bytes;
        private final String tag;

        Content(byte[] bytes) {
            this.bytes = bytes;
            this.tag = "\"" + HexFormat.of().formatHex(digest(bytes)) + "\"";
        }

        private static byte[] digest(byte[] bytes) {
            try {
                return MessageDigest.getInstance("SHA-256").digest(bytes);
            } catch (NoSuchAlgorithmException impossible) {
                throw new IllegalStateException("every Java platform has SHA-256", impossible);
            }
        }
    }

    public MediaType type() {
        return type;
    }

    /** The response with the file, and with more header fields. */
    public Mono<ServerResponse> answer(Consumer<HttpHeaders> more) {
        return answer(content, more);
    }

    /** The same, compressed if the request accepts that. Each coding has a tag of its own. */
    public Mono<ServerResponse> answer(ServerRequest request, Consumer<HttpHeaders> more) {
        boolean accepted = GzipResponse.isAccepted(request.exchange().getRequest());
        return answer(accepted ? compressed : content, fields -> {
            more.accept(fields);
            fields.setVary(List.of(HttpHeaders.ACCEPT_ENCODING));
            if (accepted) {
                fields.set(HttpHeaders.CONTENT_ENCODING, "gzip");
            }
        });
    }

    private Mono<ServerResponse> answer(Supplier<Content> coded, Consumer<HttpHeaders> more) {
        return Mono.fromSupplier(coded)
                .subscribeOn(Schedulers.boundedElastic())
                .flatMap(found -> ServerResponse.ok()
                        .contentType(type)
                        .eTag(found.tag)
                        .headers(more)
                        .bodyValue(found.bytes));
    }

    private static byte[] gzip(byte[] bytes) {
        ByteArrayOutputStream coded = new ByteArrayOutputStream();
        try (SmallGzip to = new SmallGzip(coded)) {
            to.write(bytes);
        } catch (IOException inMemory) {
            throw new UncheckedIOException(inMemory);
        }
        return coded.toByteArray();
    }

    /** Takes time once, and saves bytes with each response. */
    private static final class SmallGzip extends GZIPOutputStream {

        SmallGzip(OutputStream out) throws IOException {
            super(out);
            def.setLevel(Deflater.BEST_COMPRESSION);
        }
    }

    /**
     * The bytes of a file of the class path.
     *
     * @throws UncheckedIOException where the release does not have the file
     */
    public static byte[] read(String path) {
        try (InputStream file = ServedFile.class.getClassLoader().getResourceAsStream(path)) {
            if (file == null) {
                throw new IOException("not on the class path: " + path);
            }
            return file.readAllBytes();
        } catch (IOException missing) {
            throw new UncheckedIOException(missing);
        }
    }
}
