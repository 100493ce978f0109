package io.tally.counter;

import io.tally.counter.Operation.Amend;
import io.tally.counter.Operation.Create;
import io.tally.counter.Operation.Delete;
import io.tally.counter.Operation.Increment;
import io.tally.counter.Operation.Join;
import io.tally.counter.Operation.Leave;
import io.tally.counter.Operation.Sweep;
import io.tally.counter.Operation.Transaction;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/**
 * A 64-bit fingerprint of an operation: the first bits of the SHA-256 of its canonical text. Equal for requests that
 * differ only in spelling (white space, the order of members, percent-encoding, an explicit default). Preconditions do
 * not count: a client that repeats a request may have read a newer version meanwhile.
 */
final class Fingerprint {

    /** Cannot occur in a name: names have no control characters. */
    private static final char SEPARATOR = '\n';

    private Fingerprint() {}

    static long of(Operation operation) {
        StringBuilder text = new StringBuilder(64);
        write(operation, text);
        return of(text.toString());
    }

    static long of(String text) {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
            return ByteBuffer.wrap(digest).getLong();
        } catch (NoSuchAlgorithmException impossible) {
            throw new IllegalStateException("every Java platform has SHA-256", impossible);
        }
    }

    private static void write(Operation operation, StringBuilder text) {
        switch (operation) {
            case Increment increment -> {
                write(text, "increment", increment.counter()).append(increment.delta());
                writeOptions(increment, text);
            }
            case Create create -> write(create.state(), write(text, "create", create.counter()));
            case Amend amend -> {
                write(text, "amend", amend.counter())
                        .append(amend.value())
                        .append(SEPARATOR)
                        .append(edit(amend.min()))
                        .append(SEPARATOR)
                        .append(edit(amend.max()));
                if (amend.initial() != null) {
                    text.append(SEPARATOR).append(amend.initial());
                }
                writeIfChanged("period", amend.recurrence(), text);
                writeIfChanged("expiry", amend.expiry(), text);
            }
            case Delete delete -> write(text, "delete", delete.counter());
            case Sweep sweep -> write(text, "sweep", sweep.counter());
            case Join join ->
                write(text, "join", join.counter()).append(join.member().member());
            case Leave leave ->
                write(text, "leave", leave.counter()).append(leave.member().member());
            case Transaction transaction -> {
                text.append("transaction").append(SEPARATOR);
                for (Increment increment : transaction.increments()) {
                    write(increment, text);
                    text.append(SEPARATOR);
                }
            }
        }
    }

    /** What an increment has beside its delta. An increment without it keeps the fingerprint of earlier releases. */
    private static void writeOptions(Increment increment, StringBuilder text) {
        if (!increment.defaults().equals(NewCounter.DEFAULT)) {
            write(
                    increment.defaults(),
                    text.append(SEPARATOR).append("defaults").append(SEPARATOR));
        }
        if (increment.atMost()) {
            text.append(SEPARATOR).append("atMost");
        }
    }

    private static void write(NewCounter state, StringBuilder text) {
        text.append(state.initial())
                .append(SEPARATOR)
                .append(state.bounds().min())
                .append(SEPARATOR)
                .append(state.bounds().max());
        if (state.recurrence() != null) {
            text.append(SEPARATOR).append("period").append(SEPARATOR).append(state.recurrence());
        }
        if (state.expiry() != null) {
            text.append(SEPARATOR).append("expiry").append(SEPARATOR).append(expiry(state.expiry()));
        }
    }

    private static StringBuilder write(StringBuilder text, String what, CounterId counter) {
        return text.append(what)
                .append(SEPARATOR)
                .append(counter.namespace())
                .append(SEPARATOR)
                .append(counter.name())
                .append(SEPARATOR);
    }

    private static String edit(Edit<?> edit) {
        return switch (edit) {
            case Edit.Keep<?> keep -> "keep";
            case Edit.Set<?> set -> String.valueOf(set.value() instanceof Expiry expiry ? expiry(expiry) : set.value());
        };
    }

    /** What earlier releases did not have: without it, a request keeps its fingerprint. */
    private static void writeIfChanged(String what, Edit<?> edit, StringBuilder text) {
        if (edit instanceof Edit.Set<?>) {
            text.append(SEPARATOR).append(what).append(SEPARATOR).append(edit(edit));
        }
    }

    private static String expiry(Expiry expiry) {
        return switch (expiry) {
            case Expiry.After after -> "after " + after.seconds();
            case Expiry.At at -> "at " + at.time();
        };
    }
}
