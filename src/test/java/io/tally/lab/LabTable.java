package io.tally.lab;

import io.tally.lab.LabReport.Row;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** Results of the lab as a table in Markdown. */
final class LabTable {

    private static final String HEAD = """
            | strategy | isolation | acknowledged | stored | lost | duplicate rows | errors | retries | a second \
            | p50 ms | p99 ms |
            | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
            """;

    private LabTable() {}

    static String markdown(List<Row> rows) {
        return HEAD + rows.stream().map(LabTable::line).collect(Collectors.joining());
    }

    private static String line(Row row) {
        return "| %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %s |\n"
                .formatted(
                        row.strategy(),
                        row.isolation(),
                        number(row.acknowledged()),
                        number(row.stored()),
                        alarming(row.lost()),
                        alarming(row.duplicateRows()),
                        number(row.errors()),
                        number(row.retries()),
                        number(Math.round(row.perSecond())),
                        millis(row.p50Ms()),
                        millis(row.p99Ms()));
    }

    private static String alarming(long number) {
        return number == 0 ? "0" : "**" + number(number) + "**";
    }

    private static String number(long number) {
        return String.format(Locale.ROOT, "%,d", number);
    }

    private static String millis(double millis) {
        return Double.isNaN(millis) ? "" : String.format(Locale.ROOT, "%.1f", millis);
    }
}
