package io.tally.access;

import io.github.bucket4j.Bucket;
import io.github.bucket4j.ConsumptionProbe;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.springframework.http.HttpHeaders;

/**
 * The rate limit of an access key on this instance: a share of the key's limit, since an exact limit across instances
 * would cost each request a commit. A burst may use the limit of one second at once. Safe for use by many threads.
 *
 * @see <a href="https://www.ietf.org/archive/id/draft-ietf-httpapi-ratelimit-headers-11.html">RateLimit header
 *     fields</a>
 */
final class RateLimit {

    private static final String POLICY = "RateLimit-Policy";
    private static final String LIMIT = "RateLimit";
    private static final String NAME = "\"key\"";

    private final Bucket bucket;
    private final String policy;

    /**
     * A full bucket.
     *
     * @param perSecond the limit of the key
     * @param instances the number of instances that share it
     */
    RateLimit(int perSecond, int instances) {
        int share = Math.ceilDiv(perSecond, instances);
        bucket = Bucket.builder()
                .addLimit(limit -> limit.capacity(share).refillGreedy(share, Duration.ofSeconds(1)))
                .build();
        policy = NAME + ";q=" + share + ";w=1";
    }

    /** The decision on one request, and the header fields of its response. */
    record Permit(boolean granted, HttpHeaders fields) {}

    /** Takes a request from the bucket. */
    Permit take() {
        ConsumptionProbe probe = bucket.tryConsumeAndReturnRemaining(1);
        HttpHeaders fields = new HttpHeaders();
        fields.set(POLICY, policy);
        fields.set(LIMIT, NAME + ";r=" + probe.getRemainingTokens() + ";t=1");
        if (!probe.isConsumed()) {
            long waitNanos = probe.getNanosToWaitForRefill();
            fields.set(HttpHeaders.RETRY_AFTER, Long.toString(Math.ceilDiv(waitNanos, TimeUnit.SECONDS.toNanos(1))));
        }
        return new Permit(probe.isConsumed(), fields);
    }
}
