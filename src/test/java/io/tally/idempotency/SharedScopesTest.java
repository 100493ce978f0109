package io.tally.idempotency;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tally.counter.IdempotencyKey;
import io.tally.pipeline.StoreFailure;
import io.tally.pipeline.StoreFailure.Cause;
import io.tally.pipeline.StoreFailure.Kind;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;

class SharedScopesTest {

    private static final Duration RETENTION = Duration.ofHours(24);
    private static final String SCOPE = IdempotencyKey.INCREMENTS;
    private static final IdempotencyKey OWN = new IdempotencyKey(SCOPE + "/key:a", "upload");
    private static final IdempotencyKey FORMER = new IdempotencyKey(SCOPE, "upload");

    private final Set<String> stored = new TreeSet<>();
    private final List<String> reads = new ArrayList<>();
    private @Nullable StoreFailure failure;
    private Instant now = Instant.EPOCH;
    private final SharedScopes scopes = new SharedScopes(new Keys(), RETENTION, () -> now);

    /** Records in memory. */
    private final class Keys implements StoredKeys {

        @Override
        public Mono<Boolean> hasRequest(IdempotencyKey key) {
            return read("request", key.scope() + " " + key.text());
        }

        @Override
        public Mono<Boolean> hasLine(IdempotencyKey key) {
            return read("line", key.scope() + " " + key.text() + "/");
        }

        @Override
        public Mono<Boolean> hasAny(String scope) {
            return read("any", scope + " ");
        }

        private Mono<Boolean> read(String kind, String prefix) {
            return Mono.fromSupplier(() -> {
                reads.add(kind);
                if (failure != null) {
                    throw failure;
                }
                return stored.stream().anyMatch(text -> text.startsWith(prefix));
            });
        }
    }

    private @Nullable IdempotencyKey choose(@Nullable IdempotencyKey own, String shared) {
        return Objects.requireNonNull(scopes.choose(own, shared).block()).orElse(null);
    }

    @Test
    void aRequestBeginsInTheScopeOfItsCaller() {
        assertThat(choose(OWN, SCOPE)).isEqualTo(OWN);
        assertThat(reads).containsExactly("line");
    }

    @Test
    void anUploadStaysWhereItBegan() {
        stored.add(SCOPE + " upload/17");
        assertThat(choose(OWN, SCOPE)).isEqualTo(FORMER);
    }

    @Test
    void otherRequestsStayWhereTheyBegan() {
        for (String shared : List.of(IdempotencyKey.TRANSACTIONS, IdempotencyKey.LAB_RUNS)) {
            stored.add(shared + " sale");
            assertThat(choose(new IdempotencyKey(shared + "/root", "sale"), shared))
                    .isEqualTo(new IdempotencyKey(shared, "sale"));
        }
        assertThat(reads).containsExactly("request", "request");
    }

    @Test
    void nothingIsReadWithoutAKeyOrWithoutCallers() {
        assertThat(choose(null, SCOPE)).isNull();
        assertThat(choose(FORMER, SCOPE)).isEqualTo(FORMER);
        now = now.plus(RETENTION).plus(Duration.ofHours(2));
        assertThat(choose(FORMER, SCOPE)).isEqualTo(FORMER);
        assertThat(reads).isEmpty();
    }

    @Test
    void nothingIsReadOnceTheSharedScopeIsEmpty() {
        now = now.plus(RETENTION).plus(Duration.ofHours(1)).minusMillis(1);
        assertThat(choose(OWN, SCOPE)).isEqualTo(OWN);
        assertThat(reads).containsExactly("line");
        reads.clear();
        now = now.plusMillis(1);
        assertThat(choose(OWN, SCOPE)).isEqualTo(OWN);
        assertThat(reads).containsExactly("any");
        reads.clear();
        assertThat(choose(OWN, SCOPE)).isEqualTo(OWN);
        assertThat(reads).isEmpty();
    }

    /** A retry in the shared scope stores its lines there, for a further retention. */
    @Test
    void aRetryOfARetryStaysWhereItBegan() {
        stored.add(SCOPE + " upload/1");
        now = now.plus(RETENTION).plus(Duration.ofHours(20));
        assertThat(choose(OWN, SCOPE)).isEqualTo(FORMER);
        stored.clear();
        assertThat(choose(OWN, SCOPE)).isEqualTo(OWN);
        reads.clear();
        assertThat(choose(OWN, SCOPE)).isEqualTo(OWN);
        assertThat(reads).isEmpty();
    }

    @Test
    void aFailureIsNoAnswer() {
        failure = new StoreFailure(Kind.UNAVAILABLE, Cause.CONNECTION, "away");
        for (Duration age : List.of(Duration.ZERO, RETENTION.plusHours(2))) {
            now = Instant.EPOCH.plus(age);
            assertThatThrownBy(() -> choose(OWN, SCOPE)).isSameAs(failure);
        }
        failure = null;
        stored.add(SCOPE + " upload/1");
        assertThat(choose(OWN, SCOPE)).isEqualTo(FORMER);
    }
}
