package io.tally.audit;

import io.tally.audit.Audit.Books;
import io.tally.audit.Audit.Report;
import java.math.BigInteger;
import java.time.Instant;
import java.util.List;

/**
 * The reports of all shards as JSON, with their sums, the earliest time and the longest duration. Sums may have more
 * digits than 64 bits hold.
 */
public record BooksView(
        BigInteger drift,
        long lostOperations,
        BigInteger counterSum,
        BigInteger writerSum,
        Instant at,
        double seconds,
        List<ShardView> shards) {

    /** The report of a shard. */
    public record ShardView(
            int shard,
            BigInteger drift,
            long lostOperations,
            BigInteger counterSum,
            BigInteger writerSum,
            Instant at,
            double seconds) {

        private static ShardView of(Report report) {
            return new ShardView(
                    report.shard(),
                    report.drift(),
                    report.lostOperations(),
                    report.counterSum(),
                    report.writerSum(),
                    report.at(),
                    BooksView.seconds(report));
        }
    }

    static BooksView of(Books books) {
        Report total = books.total();
        return new BooksView(
                total.drift(),
                total.lostOperations(),
                total.counterSum(),
                total.writerSum(),
                total.at(),
                seconds(total),
                books.reports().stream().map(ShardView::of).toList());
    }

    private static double seconds(Report report) {
        return report.took().toNanos() / 1e9;
    }
}
