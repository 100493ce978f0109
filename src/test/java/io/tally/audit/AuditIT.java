package io.tally.audit;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.testing.Clients;
import io.tally.testing.Database;
import io.tally.testing.Postgres;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyClient.Answer;
import io.tally.testing.TallyServer;
import io.tally.testing.TestShards;
import java.sql.SQLException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Audits after a change outside the service, and after the database lost operations. */
@Tag("four-shards")
@Timeout(300)
class AuditIT {

    private Database database;
    private TallyServer server;
    private TallyClient client;
    private TallyClient management;

    @BeforeEach
    void start() throws SQLException {
        database = Postgres.shared().createDatabase();
        server = TallyServer.start(database, "tally.audit.interval", "200ms");
        client = new TallyClient(server.uri());
        management = new TallyClient(server.managementUri());
        client.increment("books/a", 40);
        client.increment("books/b", 2);
    }

    @AfterEach
    void stop() {
        server.close();
    }

    private Answer audit() {
        Answer audit = client.post("/v1/audits");
        assertThat(audit.status()).isEqualTo(200);
        return audit;
    }

    private String scraped(String meter) {
        String series = meter + TestShards.label("books") + " ";
        return management
                .get("/actuator/prometheus")
                .body()
                .lines()
                .filter(line -> line.startsWith(series))
                .map(line -> line.substring(series.length()))
                .findFirst()
                .orElse("absent");
    }

    private void awaitGauge(String meter, String value) throws InterruptedException {
        Clients.await(
                meter + " = " + value, Clients.PATIENCE, () -> scraped(meter).equals(value));
    }

    @Test
    void balancesWhileNobodyInterferes() throws Exception {
        Answer audit = audit();

        assertThat(audit.json().path("drift").asLong()).isZero();
        assertThat(audit.json().path("lostOperations").asLong()).isZero();
        assertThat(audit.json().path("counterSum").asLong()).isEqualTo(42);
        assertThat(audit.json().path("writerSum").asLong()).isEqualTo(42);
        assertThat(audit.json().path("seconds").asDouble()).isPositive();
        awaitGauge("tally_audit_drift", "0.0");
        awaitGauge("tally_audit_lost_operations", "0.0");
    }

    @Test
    void showsAChangeBehindItsBackUntilItIsUndone() throws Exception {
        database.of("books").execute("update counter set value = value + 5 where name = 'a'");

        assertThat(audit().json().path("drift").asLong()).isEqualTo(5);
        awaitGauge("tally_audit_drift", "5.0");
        Answer health = management.get("/actuator/health");
        assertThat(health.status()).isEqualTo(503);
        assertThat(health.json().at("/components/audit/details/drift").asLong()).isEqualTo(5);
        assertThat(client.get("/livez").status()).isEqualTo(200);
        assertThat(client.get("/readyz").status()).isEqualTo(200);

        database.of("books").execute("update counter set value = value - 5 where name = 'a'");
        assertThat(audit().json().path("drift").asLong()).isZero();
        awaitGauge("tally_audit_drift", "0.0");
        assertThat(management.get("/actuator/health").status()).isEqualTo(200);
    }

    @Test
    void showsACounterThatSomebodyMadeOrRemoved() throws Exception {
        database.of("books")
                .execute("insert into counter (namespace, name, value, version) values ('books', 'forged', 9, 1)");
        assertThat(audit().json().path("drift").asLong()).isEqualTo(9);
        database.of("books").execute("delete from counter where namespace = 'books' and name in ('forged', 'a')");
        assertThat(audit().json().path("drift").asLong()).isEqualTo(-40);
    }

    /** As a restore from a backup, or a failover to a replica that lagged, would leave it. */
    @Test
    void showsOperationsThatTheDatabaseForgot() throws Exception {
        for (int i = 0; i < 10; i++) {
            client.increment("books/a", 1);
        }
        database.of("books")
                .execute("update writer set operations = operations - 3, delta = delta - 3, sequence = sequence - 3"
                        + " where operations >= 3");
        database.of("books").execute("update counter set value = value - 3, version = version - 3 where name = 'a'");

        assertThat(audit().json().path("lostOperations").asLong()).isGreaterThanOrEqualTo(3);
        assertThat(audit().json().path("drift").asLong()).isZero();
        awaitGauge("tally_audit_lost_operations", "3.0");
        // The lane's writer is not where it was left: it goes on as a new one.
        assertThat(client.increment("books/a", 1).status()).isEqualTo(200);
        assertThat(audit().json().path("lostOperations").asLong()).isEqualTo(3);
    }

    @Test
    void keepsTheBooksOfInstancesThatAreGone() throws Exception {
        server.close();
        assertThat(database.of("books").queryLong("select count(*) from writer"))
                .isEqualTo(1);
        assertThat(database.of("books").queryLong("select operations from writer where id = 0"))
                .isEqualTo(2);
        assertThat(database.of("books").queryLong("select delta from writer where id = 0"))
                .isEqualTo(42);

        server = TallyServer.start(database, "tally.audit.interval", "200ms");
        client = new TallyClient(server.uri());
        client.increment("books/b", 1);
        assertThat(audit().json().path("drift").asLong()).isZero();
    }

    @Test
    void foldsWritersThatWereSilentForDays() throws Exception {
        database.of("books")
                .execute("insert into writer (id, lane, instance, operations, delta, seen_at)"
                        + " values (1, 0, 'crashed', 7, 0, now() - interval '8 days'),"
                        + " (2, 1, 'crashed', 5, 0, now() - interval '8 days')");
        audit();
        Clients.await("folded", Clients.PATIENCE, () -> {
            try {
                return database.of("books").queryLong("select count(*) from writer where instance = 'crashed'") == 0;
            } catch (SQLException e) {
                throw new IllegalStateException(e);
            }
        });
        assertThat(database.of("books").queryLong("select operations from writer where id = 0"))
                .isEqualTo(12);
        assertThat(audit().json().path("drift").asLong()).isZero();
    }
}
