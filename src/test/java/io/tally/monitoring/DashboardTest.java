package io.tally.monitoring;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.monitoring.Monitoring.Panel;
import java.awt.Rectangle;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** What can be said of the dashboard without Grafana: it is whole, and each panel says what it shows. */
class DashboardTest {

    private static final int COLUMNS = 24;
    private static final String DATA_SOURCE = "${datasource}";

    private static List<JsonNode> all() {
        return Monitoring.children(Monitoring.dashboard(), "panels").toList();
    }

    @Test
    void isFoundUnderOneNameAndAsksForNoCertainDataSource() {
        JsonNode dashboard = Monitoring.dashboard();

        assertThat(Monitoring.text(dashboard, "uid")).isEqualTo("tally");
        assertThat(Monitoring.children(dashboard.path("templating"), "list"))
                .extracting(variable -> Monitoring.text(variable, "name"))
                .containsExactly("datasource", "namespace", "pod");
        assertThat(dashboard.findValues("datasource")).isNotEmpty().allSatisfy(source -> {
            assertThat(Monitoring.text(source, "type")).isEqualTo("prometheus");
            assertThat(Monitoring.text(source, "uid")).isEqualTo(DATA_SOURCE);
        });
    }

    @Test
    void everyPanelHasAnIdOfItsOwnAndAPlaceOfItsOwn() {
        assertThat(all()).extracting(panel -> panel.path("id").asInt()).doesNotHaveDuplicates();
        List<Rectangle> places = new ArrayList<>();
        for (JsonNode panel : all()) {
            JsonNode position = panel.path("gridPos");
            Rectangle place = new Rectangle(
                    position.path("x").asInt(-1),
                    position.path("y").asInt(-1),
                    position.path("w").asInt(),
                    position.path("h").asInt());
            assertThat(place.x).as(panel.toString()).isBetween(0, COLUMNS - place.width);
            assertThat(place.y).as(panel.toString()).isNotNegative();
            assertThat(places).as(panel.toString()).noneMatch(place::intersects);
            places.add(place);
        }
    }

    @Test
    void everyPanelSaysWhatItShowsAndWhatIsNormal() {
        assertThat(Monitoring.panels()).isNotEmpty().allSatisfy(panel -> {
            assertThat(panel.title()).isNotBlank();
            assertThat(Monitoring.text(panel.json(), "description"))
                    .containsIgnoringCase("normal")
                    .endsWith(".");
            assertThat(panel.json().at("/fieldConfig/defaults/unit").asString(""))
                    .isNotBlank();
            assertThat(panel.json().has("datasource")).isTrue();
        });
    }

    @Test
    void everyQueryNamesItsLinesAndAsksForWhatIsChosen() {
        assertThat(Monitoring.panels())
                .allSatisfy(panel -> assertThat(Monitoring.children(panel.json(), "targets"))
                        .isNotEmpty()
                        .allSatisfy(target -> {
                            assertThat(target.has("datasource")).isTrue();
                            assertThat(Monitoring.text(target, "legendFormat")).isNotBlank();
                            assertThat(Monitoring.selectors(Monitoring.text(target, "expr")))
                                    .isNotEmpty()
                                    .allSatisfy(DashboardTest::asksForWhatIsChosen);
                        })
                        .extracting(target -> Monitoring.text(target, "refId"))
                        .doesNotHaveDuplicates());
    }

    /** What is recorded is of all pods, and alerts are of all namespaces. */
    private static void asksForWhatIsChosen(String selector) {
        if (selector.startsWith("ALERTS{")) {
            return;
        }
        assertThat(selector).contains("job=\"tally\"", "namespace=\"$namespace\"");
        if (!selector.startsWith("tally:")) {
            assertThat(selector).contains("pod=~\"$pod\"");
        }
    }

    @Test
    void titlesAreDifferent() {
        assertThat(Monitoring.panels()).extracting(Panel::title).doesNotHaveDuplicates();
    }
}
