package io.tally.ranking;

import java.time.Duration;

/** What the ranking tells whoever measures it. */
public interface RankingMetrics {

    /** A pass over a large namespace took so long. */
    void passed(Duration took);
}
