package io.tally.lane;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.audit.Audits;
import io.tally.name.Names;
import io.tally.pipeline.CounterPipeline;
import io.tally.testing.Postgres;
import io.tally.testing.TallyServer;
import io.tally.watch.Watches;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.scheduling.annotation.ScheduledAnnotationBeanPostProcessor;

/** The life cycle of all lanes. */
@Timeout(300)
class LaneOwnerIT {

    @Test
    void expireRequestsAndCloseAtShutdown() throws SQLException {
        TallyServer server = TallyServer.start(Postgres.shared().createDatabase());
        List<LaneOwner> owners = List.of(
                server.bean(CounterPipeline.class),
                server.bean(Names.class),
                server.bean(Watches.class),
                server.bean(Audits.class));
        List<String> scheduled = server.bean(ScheduledAnnotationBeanPostProcessor.class).getScheduledTasks().stream()
                .map(Object::toString)
                .toList();
        // Those four, and the rankings.
        assertThat(scheduled)
                .filteredOn("io.tally.lane.LaneOwner.expire"::equals)
                .hasSize(5);
        assertThat(owners).allMatch(LaneOwner::isRunning);
        server.close();

        assertThat(owners).allSatisfy(owner -> {
            assertThat(owner.isRunning()).isFalse();
            assertThat(owner.lanes()).extracting(Lane::batchAge).containsOnly(Duration.ZERO);
        });
    }
}
