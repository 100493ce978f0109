package io.tally.monitoring;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.monitoring.Monitoring.Panel;
import io.tally.monitoring.Monitoring.Rule;
import io.tally.monitoring.Prometheus.Sample;
import io.tally.testing.Clients;
import io.tally.testing.Database;
import io.tally.testing.EmbeddedPostgres;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyServer;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer.OrderAnnotation;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;

/**
 * Rules and dashboard on a real Prometheus, which scrapes two instances under load of all kinds: first while all is
 * well, then while it is not. {@code ./mvnw -Pmonitoring verify}; fails where there is no Prometheus.
 *
 * <p>Alerts that wait for minutes are proven by the tests of {@link RulesCheck}; here they evaluate, on series that are
 * there.
 */
@TestInstance(Lifecycle.PER_CLASS)
@TestMethodOrder(OrderAnnotation.class)
@Timeout(120)
class PrometheusCheck {

    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private static final int SAMPLES_MAX = 3_000;

    /** What never is while all goes well, and cannot be brought about: the rest of the selector is looked for. */
    private static final String DEFECT = ", status=\"500\"";

    private final Deque<AutoCloseable> open = new ArrayDeque<>();
    private EmbeddedPostgres postgres;
    private Database database;
    private List<TallyServer> servers;
    private Prometheus prometheus;

    @BeforeAll
    void start(@TempDir Path directory) throws Exception {
        postgres = opened(EmbeddedPostgres.startTemporary());
        database = postgres.createDatabase("tally");
        servers = List.of(opened(serve()), opened(serve()));
        List<URI> metrics = servers.stream().map(TallyServer::managementUri).toList();
        prometheus = opened(Prometheus.start(directory, metrics));
        opened(Load.on(servers.stream().map(TallyServer::uri).toList()));
    }

    private <T extends AutoCloseable> T opened(T resource) {
        open.push(resource);
        return resource;
    }

    /** Quick to compare, quick to refuse, and with a namespace that counts as large. */
    private TallyServer serve() {
        return TallyServer.start(
                database,
                "tally.audit.interval",
                "1s",
                "tally.pipeline.wait-max",
                "2s",
                "tally.ranking.small-max",
                "10",
                "tally.ranking.interval",
                "1s");
    }

    @AfterAll
    void stop() throws Exception {
        while (!open.isEmpty()) {
            open.pop().close();
        }
    }

    /** Waits for what an expression yields. */
    private void await(String expression, Predicate<List<Sample>> holds) throws InterruptedException {
        Clients.await(expression, PATIENCE, () -> holds.test(prometheus.query(expression)));
    }

    private void awaitAlert(String alert, String state) throws InterruptedException {
        Clients.await(
                alert + " " + state, PATIENCE, () -> prometheus.alerts(state).contains(alert));
    }

    private void awaitEnd(String alert) throws InterruptedException {
        Clients.await(
                "the end of " + alert,
                PATIENCE,
                () -> Stream.of("pending", "firing")
                        .noneMatch(state -> prometheus.alerts(state).contains(alert)));
    }

    private static boolean isNumber(List<Sample> samples) {
        return samples.stream().anyMatch(sample -> Double.isFinite(sample.value()));
    }

    private static Predicate<List<Sample>> is(double value) {
        return samples -> samples.size() == 1 && samples.getFirst().value() == value;
    }

    private static boolean isPositive(List<Sample> samples) {
        return samples.stream().anyMatch(sample -> sample.value() > 0);
    }

    private double one(String expression) {
        return prometheus.query(expression).getFirst().value();
    }

    @Test
    @Order(1)
    void everyInstanceIsUp() throws Exception {
        await("sum(up{job=\"tally\"})", is(2));
    }

    @Test
    @Order(2)
    void everyRuleEvaluates() throws Exception {
        Clients.await(
                "every rule evaluated",
                PATIENCE,
                () -> prometheus.rules().stream()
                        .noneMatch(rule -> Monitoring.text(rule, "health").equals("unknown")));

        List<JsonNode> rules = prometheus.rules();
        assertThat(rules)
                .hasSameSizeAs(Monitoring.rules())
                .allSatisfy(rule -> assertThat(Monitoring.text(rule, "health"))
                        .as(rule.toString())
                        .isEqualTo("ok"));
    }

    static Stream<String> recorded() {
        return Monitoring.rules().stream().map(Rule::record).filter(name -> !name.isEmpty());
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("recorded")
    @Order(3)
    void whatIsRecordedIsANumber(String name) throws Exception {
        await(name, PrometheusCheck::isNumber);
    }

    static List<Panel> panels() {
        return Monitoring.panels();
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("panels")
    @Order(4)
    void everyPanelShowsSomething(Panel panel) throws Exception {
        for (String expression : panel.expressions()) {
            await(chosen(expression), PrometheusCheck::isNumber);
        }
    }

    /** With the dashboard's variables as Grafana would fill them in, but for a scrape every second. */
    private static String chosen(String expression) {
        return expression
                .replace("$__rate_interval", "10s")
                .replace("$__range", "1m")
                .replace("$namespace", "tally")
                .replace("$pod", "tally-.+");
    }

    @Test
    @Order(5)
    void theVariablesOfTheDashboardHaveValues() {
        assertThat(prometheus.labelValues("namespace", "up{job=\"tally\"}")).containsExactly("tally");
        assertThat(prometheus.labelValues("pod", "up{job=\"tally\", namespace=\"tally\"}"))
                .containsExactly("tally-0", "tally-1");
    }

    /** The query of the adapter's rule, as the adapter would fill it in for the autoscaler. */
    @Test
    @Order(6)
    void theAutoscalerSeesWhatWaitsOnEachPod() throws Exception {
        JsonNode rule = Monitoring.yaml(Monitoring.COMPONENT.resolve("prometheus-adapter.yaml"))
                .at("/rules/custom/0");
        JsonNode asked = Monitoring.yaml(Monitoring.COMPONENT.resolve("scale-by-queue.yaml"))
                .at("/0/value/pods/metric");
        String query = Monitoring.text(rule, "metricsQuery")
                .replace("<<.Series>>", Monitoring.text(asked, "name"))
                .replace("<<.LabelMatchers>>", "namespace=\"tally\",pod=~\"tally-0|tally-1\"")
                .replace("<<.GroupBy>>", "pod");

        await(Monitoring.text(rule, "seriesQuery"), samples -> !samples.isEmpty());
        await(query, samples -> samples.size() == 2);
    }

    /** No label grows with what callers send: a scrape of everything that they can ask for is a few thousand lines. */
    @Test
    @Order(6)
    void aScrapeStaysSmall() throws Exception {
        String samples = "max(scrape_samples_scraped{job=\"tally\"})";
        await(samples, PrometheusCheck::isPositive);
        System.out.printf(
                "A scrape has up to %.0f samples, of which %.0f are of HTTP.%n",
                one(samples), one("max(count by (pod) ({job=\"tally\", __name__=~\"http_server_requests.+\"}))"));
        assertThat(one(samples)).isLessThan(SAMPLES_MAX);
    }

    @Test
    @Order(6)
    void nothingFiresWhileAllIsWell() throws Exception {
        await("sum(increase(tally_operations_total{outcome=\"applied\"}[30s]))", PrometheusCheck::isPositive);
        await(
                "min(count_over_time(up{job=\"tally\"}[1m]))",
                samples -> samples.getFirst().value() >= 20);

        assertThat(prometheus.alerts("firing")).isEmpty();
        assertThat(prometheus.query("ALERTS{alertstate=\"firing\"}[10m]")).isEmpty();
    }

    @Test
    @Order(7)
    void driftFiresUntilItIsUndone() throws Exception {
        database.execute("update counter set value = value + 1 where namespace = 'load' and name = 'hot'");
        awaitAlert("TallyDrift", "firing");
        await("max(abs(tally_audit_drift))", is(1));

        database.execute("update counter set value = value - 1 where namespace = 'load' and name = 'hot'");
        awaitEnd("TallyDrift");
    }

    /** Where the counters are right as they are. */
    @Test
    @Order(8)
    void driftIsOverWhenItIsBookedAsTheRunbookSays() throws Exception {
        database.execute("update counter set value = value + 5 where namespace = 'load' and name = 'hot'");
        awaitAlert("TallyDrift", "firing");

        List<String> updates =
                statements().filter(sql -> sql.startsWith("update")).toList();
        assertThat(updates).singleElement().satisfies(database::execute);
        awaitEnd("TallyDrift");
    }

    /** As after a failover to a replica that lagged. */
    @Test
    @Order(9)
    void operationsThatTheDatabaseForgotFire() throws Exception {
        long writer = database.queryLong("select max(id) from writer where operations > 100");
        database.execute("update writer set operations = operations - 3 where id = ?", writer);
        awaitAlert("TallyLostOperations", "firing");
        await("sum(tally_audit_lost_operations)", is(3));

        database.execute("update writer set operations = operations + 3 where id = ?", writer);
        await("sum(tally_audit_lost_operations)", is(0));
    }

    @Test
    @Order(10)
    void aDatabaseThatIsAwayShows() throws Exception {
        postgres.kill();
        awaitAlert("TallyStoreUnavailable", "pending");
        await("sum(increase(tally_operations_total{outcome=\"refused\"}[1m]))", PrometheusCheck::isPositive);
        await("sum(increase(tally_retries_total{cause=\"connection\"}[1m]))", PrometheusCheck::isPositive);
        await("tally:operation_errors:ratio_rate5m > 0.001", PrometheusCheck::isPositive);
        awaitAlert("TallyReadsFailing", "pending");

        postgres.restart();
        await("min(tally_lane_available)", is(1));
        awaitEnd("TallyStoreUnavailable");
        new TallyClient(servers.getFirst().uri()).requireBalancedBooks();
    }

    static Stream<String> selectors() {
        return Stream.concat(
                        Monitoring.rules().stream().map(Rule::expression),
                        Monitoring.panels().stream()
                                .flatMap(panel -> panel.expressions().stream())
                                .map(PrometheusCheck::chosen))
                .flatMap(expression -> Monitoring.selectors(expression).stream())
                .distinct();
    }

    /**
     * Last, when everything has happened: a name or label that is spelt wrong selects nothing, which is no error to
     * Prometheus.
     */
    @ParameterizedTest(name = "{0}")
    @MethodSource("selectors")
    @Order(11)
    void everySelectorHasSelectedSomething(String selector) {
        assertThat(prometheus.query("count_over_time(" + selector.replace(DEFECT, "") + "[10m])"))
                .isNotEmpty();
    }

    static Stream<String> queriesOfRunbooks() {
        return Monitoring.files(Monitoring.RUNBOOKS).stream()
                .flatMap(page -> Monitoring.examples(page, "promql").stream());
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("queriesOfRunbooks")
    @Order(12)
    void whatRunbooksAskPrometheusHasAnAnswer(String query) {
        assertThat(prometheus.query(query)).isNotEmpty();
    }

    /** What runbooks say to the database, each page's examples put together and cut where a statement ends. */
    private static Stream<String> statements() {
        return Monitoring.files(Monitoring.RUNBOOKS).stream()
                .map(page -> String.join("\n", Monitoring.examples(page, "sql")))
                .flatMap(sql -> Stream.of(sql.split(";")))
                .map(String::strip)
                .filter(sql -> !sql.isEmpty());
    }

    static Stream<String> looksOfRunbooks() {
        return statements().filter(sql -> !sql.startsWith("update"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("looksOfRunbooks")
    @Order(13)
    void whatRunbooksAskTheDatabaseItUnderstands(String sql) throws Exception {
        assertThat(sql).matches("(?s)(select|show) .*");
        database.execute(sql);
    }
}
