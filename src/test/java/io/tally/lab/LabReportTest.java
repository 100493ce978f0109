package io.tally.lab;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.lab.LabReport.Row;
import java.io.StringReader;
import java.util.List;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;
import org.xml.sax.InputSource;

/** Results of the lab as a table and as a picture. */
class LabReportTest {

    private static final List<Row> ROWS = List.of(
            new Row("read-modify-write", "read-committed", 2_000, 500, 1_500, 0, 0, 0, 1_000, 4.94, 42.16),
            new Row(
                    "get-or-create-unconstrained",
                    "repeatable-read",
                    0,
                    0,
                    0,
                    14,
                    12_736,
                    0,
                    0,
                    Double.NaN,
                    Double.NaN),
            new Row("lanes", "serializable", 40_000, 40_000, 0, 0, 0, 7, 20_000, 0.31, 1));

    @Test
    void aLineForEachRun() {
        assertThat(LabTable.markdown(ROWS).lines().skip(2))
                .containsExactly(
                        "| read-modify-write | read-committed | 2,000 | 500 | **1,500** | 0 | 0 | 0 | 1,000 | 4.9"
                                + " | 42.2 |",
                        "| get-or-create-unconstrained | repeatable-read | 0 | 0 | 0 | **14** | 12,736 | 0 | 0 |  |  |",
                        "| lanes | serializable | 40,000 | 40,000 | 0 | 0 | 0 | 7 | 20,000 | 0.3 | 1.0 |");
    }

    @Test
    void barsAsLongAsTheNumbers() throws Exception {
        Document picture = DocumentBuilderFactory.newInstance()
                .newDocumentBuilder()
                .parse(new InputSource(new StringReader(LabPicture.svg(ROWS))));
        NodeList bars = picture.getElementsByTagName("rect");
        // The ground, three in the key, and of each run those that are not empty and that of its throughput.
        assertThat(bars.getLength()).isEqualTo(1 + 3 + 3 + 2 + 2);
        double stored = width(bars, 4);
        double lost = width(bars, 5);
        assertThat(lost).isEqualTo(3 * stored);
        double slow = width(bars, 6);
        double refused = width(bars, 7);
        assertThat(refused).isEqualTo(stored + lost);
        assertThat(width(bars, 8)).isZero();
        assertThat(width(bars, 9)).isEqualTo(stored + lost);
        assertThat(width(bars, 10)).isEqualTo(20 * slow);
        assertThat(picture.getDocumentElement().getTextContent()).contains("75 % lost", "14 rows too many", "20,000");
    }

    private static double width(NodeList bars, int place) {
        return Double.parseDouble(((Element) bars.item(place)).getAttribute("width"));
    }
}
