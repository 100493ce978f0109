package io.tally.openapi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import io.tally.testing.Contract;
import io.tally.testing.Contract.Coverage;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;

/**
 * Whether the integration tests saw all that the OpenAPI file describes. Comes last: it is ordered so, and isolated
 * classes come after those that run at the same time. A run of chosen classes does not choose this one.
 */
@Tag("one-shard") // The other run sees it all.
@Isolated
@Order(Integer.MAX_VALUE)
class ContractCoverageIT {

    /**
     * Statuses that the server decides before it knows the operation, each of which takes a request that is slow or
     * large, and the one of a defect. Other tests see the first three on one path.
     */
    private static final Set<String> EXCUSED = Set.of("408", "414", "431", "500");

    @Test
    void everyOperationAndStatusWasSeen() {
        List<Coverage> coverage = Contract.shared().coverage();
        assumeFalse(coverage.stream().allMatch(each -> each.seen().isEmpty()), "this class runs alone");
        assertThat(coverage.stream()
                        .flatMap(each -> unseen(each).stream().map(status -> each.operation() + " " + status)))
                .isEmpty();
    }

    private static Set<String> unseen(Coverage coverage) {
        Set<String> unseen = new TreeSet<>(coverage.unseen());
        unseen.removeAll(EXCUSED);
        return unseen;
    }
}
