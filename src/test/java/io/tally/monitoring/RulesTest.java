package io.tally.monitoring;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.monitoring.Monitoring.Rule;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.springframework.boot.convert.DurationStyle;
import tools.jackson.databind.JsonNode;

/** Checks of the rules without Prometheus: every alert leads its operator to a runbook. */
class RulesTest {

    private static final JsonNode SETTINGS = Monitoring.yaml(Path.of("src/main/resources/application.yml"));

    private static Set<String> alerts() {
        return Monitoring.alerts().stream().map(Rule::alert).collect(Collectors.toCollection(TreeSet::new));
    }

    @Test
    void everyAlertSaysWhatItIsAndWhereToReadOn() {
        assertThat(Monitoring.alerts()).isNotEmpty().allSatisfy(rule -> {
            assertThat(Monitoring.text(rule.labels(), "severity")).isIn("critical", "warning");
            assertThat(Monitoring.text(rule.annotations(), "summary")).endsWith(".");
            assertThat(Monitoring.text(rule.annotations(), "description")).endsWith(".");
            assertThat(Monitoring.text(rule.annotations(), "runbook_url"))
                    .isEqualTo("k8s/runbooks/" + rule.alert() + ".md");
        });
    }

    @Test
    void everyAlertHasItsPageAndEveryPageItsAlert() {
        List<Path> pages = Monitoring.files(Monitoring.RUNBOOKS);

        assertThat(pages)
                .extracting(page -> page.getFileName().toString().replaceFirst("\\.md$", ""))
                .containsExactlyInAnyOrderElementsOf(alerts());
        assertThat(pages)
                .allSatisfy(page -> assertThat(Monitoring.text(page))
                        .startsWith("# " + page.getFileName().toString().replaceFirst("\\.md$", "") + "\n")
                        .contains("\n## What it means\n", "\n## Look\n", "\n## Do\n", "\n## Over\n"));
    }

    @Test
    void everyAlertIsTestedToFireAndNotToFire() {
        assertThat(tested(expected -> expected.valueStream().findAny().isPresent()))
                .isEqualTo(alerts());
        assertThat(tested(expected -> expected.valueStream().findAny().isEmpty()))
                .isEqualTo(alerts());
    }

    /** The alerts of the rules' own tests, of which something is expected. */
    private static Set<String> tested(Predicate<JsonNode> expected) {
        Stream<JsonNode> tests =
                Monitoring.ruleTests().stream().flatMap(file -> Monitoring.children(Monitoring.yaml(file), "tests"));
        return tests.flatMap(test -> Stream.concat(
                        Monitoring.children(test, "alert_rule_test")
                                .filter(alert -> expected.test(alert.path("exp_alerts")))
                                .map(alert -> Monitoring.text(alert, "alertname")),
                        Monitoring.children(test, "promql_expr_test")
                                .filter(query -> expected.test(query.path("exp_samples")))
                                .flatMap(query -> alertOf(Monitoring.text(query, "expr")))))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    private static Stream<String> alertOf(String query) {
        Matcher alert = Pattern.compile("ALERTS\\{alertname=\"(\\w+)\"").matcher(query);
        return alert.find() ? Stream.of(alert.group(1)) : Stream.empty();
    }

    @Test
    void whatIsRecordedIsAskedFor() {
        Stream<String> asked = Stream.concat(
                Monitoring.alerts().stream().map(Rule::expression),
                Monitoring.panels().stream().flatMap(panel -> panel.expressions().stream()));
        Set<String> names = asked.flatMap(expression -> Monitoring.selectors(expression).stream())
                .map(selector -> selector.replaceFirst("\\{.*", ""))
                .filter(name -> name.contains(":"))
                .collect(Collectors.toSet());

        assertThat(Monitoring.rules())
                .extracting(Rule::record)
                .filteredOn(record -> !record.isEmpty())
                .containsExactlyInAnyOrderElementsOf(names);
    }

    /** A bucket that is not there would count nothing, and every increment would be slow. */
    @Test
    void theBoundOfSlowIncrementsIsABucket() {
        String buckets = SETTINGS.at("/management/metrics/distribution/slo/http.server.requests")
                .asString("");
        List<Double> seconds = Stream.of(buckets.split(", "))
                .map(bucket -> DurationStyle.detectAndParse(bucket).toMillis() / 1000.0)
                .toList();

        Matcher bounds =
                Pattern.compile("le=\"([0-9.]+)\"").matcher(Monitoring.rules().toString());
        assertThat(bounds.results().map(bound -> Double.valueOf(bound.group(1))))
                .isNotEmpty()
                .allSatisfy(bound -> assertThat(seconds).contains(bound));
    }

    @Test
    void anAuditIsStaleAfterFiveTimesItsInterval() {
        String interval = SETTINGS.at("/tally/audit/interval").asString("");
        long seconds = 5 * DurationStyle.detectAndParse(interval).toSeconds();

        assertThat(Monitoring.alerts())
                .filteredOn(rule -> rule.alert().equals("TallyAuditStale"))
                .singleElement()
                .satisfies(rule -> assertThat(rule.expression()).contains("> " + seconds + "\n"));
    }

    /** Later than the longest batch whose time-outs work, and before the lane abandons the batch. */
    @Test
    void aBatchIsStuckBetweenItsTimeOutsAndItsEnd() {
        Duration call = setting("database/connect-timeout")
                .plus(setting("database/statement-timeout"))
                .plusSeconds(1);
        Duration longest = setting("pipeline/wait-max")
                .plus(setting("pipeline/outcome-max"))
                .plus(call.multipliedBy(2));
        long bound = 60;

        assertThat(bound).isBetween(longest.toSeconds() + 1, 2 * longest.toSeconds() - 15);
        assertThat(Monitoring.alerts())
                .filteredOn(rule -> rule.alert().equals("TallyBatchStuck"))
                .singleElement()
                .satisfies(rule -> assertThat(rule.expression()).endsWith("> " + bound));
    }

    private static Duration setting(String key) {
        return DurationStyle.detectAndParse(SETTINGS.at("/tally/" + key).asString(""));
    }
}
