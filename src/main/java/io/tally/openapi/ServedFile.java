package io.tally.openapi;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;
import org.springframework.util.function.SingletonSupplier;
import org.springframework.web.reactive.function.server.ServerResponse;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/**
 * A file of the release, with a digest as its entity tag. The first request reads it, so that a start does not wait for
 * it. After that it stays in memory. Safe for use by many threads.
 */
final class ServedFile {

    private final MediaType type;
    private final Supplier<Content> content;

    /** @param bytes the content; called once, on a thread that may block */
    ServedFile(MediaType type, Supplier<byte[]> bytes) {
        this.type = type;
        this.content = SingletonSupplier.of(() -> new Content(bytes.get()));
    }

    /** A file of the class path. */
    static ServedFile ofClasspath(MediaType type, String path) {
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

    MediaType type() {
        return type;
    }

    /** The response with the file, and with more header fields. */
    Mono<ServerResponse> answer(Consumer<HttpHeaders> more) {
        return Mono.fromSupplier(content)
                .subscribeOn(Schedulers.boundedElastic())
                .flatMap(found -> ServerResponse.ok()
                        .contentType(type)
                        .eTag(found.tag)
                        .headers(more)
                        .bodyValue(found.bytes));
    }

    /**
     * The bytes of a file of the class path.
     *
     * @throws UncheckedIOException where the release does not have the file
     */
    static byte[] read(String path) {
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
