package io.tally.pipeline;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;

/**
 * The acknowledged operations of this instance, by writer. An audit reads them before the books of the database, which
 * then can only be ahead. Safe for use by many threads.
 */
public final class Ledger {

    private final Map<Long, AtomicLong> operations = new ConcurrentHashMap<>();

    void open(long writer) {
        operations.putIfAbsent(writer, new AtomicLong());
    }

    void acknowledge(long writer, long count) {
        operations.computeIfAbsent(writer, id -> new AtomicLong()).addAndGet(count);
    }

    void close(long writer) {
        operations.remove(writer);
    }

    /** The acknowledged operations of each writer that this instance registered and did not retire. */
    public Map<Long, Long> acknowledged() {
        return operations.entrySet().stream()
                .collect(Collectors.toUnmodifiableMap(
                        Map.Entry::getKey, entry -> entry.getValue().get()));
    }
}
