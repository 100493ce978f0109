package io.tally.lab;

import io.tally.lab.LabReport.Row;
import java.util.List;
import java.util.Locale;

/**
 * Results of the lab as a picture: the fate of each hundred increments, and how many were acknowledged a second.
 * Written as text, since what draws in Java needs the fonts of a desktop.
 */
final class LabPicture {

    private static final int WIDTH = 960;
    private static final int TOP = 64;
    private static final int BAR = 13;
    private static final int STEP = 16;
    private static final int GAP = 12;
    private static final int LABEL_X = 212;
    private static final int LEVEL_X = 312;
    private static final int FATE_X = 322;
    private static final int FATE_WIDTH = 240;
    private static final int RATE_X = 690;
    private static final int RATE_WIDTH = 190;

    private static final String STORED = "#2e7d32";
    private static final String LOST = "#d32f2f";
    private static final String ERROR = "#bdbdbd";
    private static final String RATE = "#1565c0";

    private final StringBuilder svg = new StringBuilder();
    private final double fastest;

    private LabPicture(double fastest) {
        this.fastest = fastest;
    }

    static String svg(List<Row> rows) {
        double fastest = rows.stream().mapToDouble(Row::perSecond).max().orElse(1);
        return new LabPicture(fastest).drawn(rows);
    }

    private String drawn(List<Row> rows) {
        int groups = (int) rows.stream().map(Row::strategy).distinct().count();
        int height = TOP + rows.size() * STEP + groups * GAP + GAP;
        svg.append("""
                <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %1$d %2$d" \
                font-family="sans-serif" font-size="11" fill="#222">
                <title>The outcome of increments, and how many were acknowledged a second, \
                for each strategy and isolation level</title>
                <rect width="%1$d" height="%2$d" fill="#fff"/>
                """.formatted(WIDTH, height));
        head();
        int y = TOP;
        String group = "";
        for (Row row : rows) {
            if (!row.strategy().equals(group)) {
                group = row.strategy();
                y += GAP;
                text(LABEL_X, y + STEP + BAR - 3, "end", "font-weight=\"bold\"", group);
            }
            row(row, y);
            y += STEP;
        }
        return svg.append("</svg>\n").toString();
    }

    private void head() {
        text(FATE_X, 20, "start", "font-weight=\"bold\"", "outcomes of the increments");
        text(RATE_X, 20, "start", "font-weight=\"bold\"", "acknowledged a second");
        int x = FATE_X;
        for (String[] fate :
                new String[][] {{STORED, "stored"}, {LOST, "acknowledged and lost"}, {ERROR, "an error"}}) {
            bar(x, 32, 10, fate[0]);
            text(x + 14, 32 + BAR - 3, "start", "", fate[1]);
            x += 34 + 6 * fate[1].length();
        }
    }

    private void row(Row row, int y) {
        text(LEVEL_X, y + BAR - 3, "end", "fill=\"#666\"", row.isolation());
        double all = Math.max(row.acknowledged() + row.errors(), 1);
        long lost = Math.clamp(row.lost(), 0, row.acknowledged());
        double x = FATE_X;
        x += part(x, y, (row.acknowledged() - lost) / all, STORED);
        x += part(x, y, lost / all, LOST);
        part(x, y, row.errors() / all, ERROR);
        String told = toldOf(row);
        if (!told.isEmpty()) {
            text(FATE_X + FATE_WIDTH + 6, y + BAR - 3, "start", "fill=\"" + LOST + "\"", told);
        }
        double rate = RATE_WIDTH * row.perSecond() / fastest;
        bar(RATE_X, y, rate, RATE);
        text(
                RATE_X + rate + 4,
                y + BAR - 3,
                "start",
                "",
                String.format(Locale.ROOT, "%,d", Math.round(row.perSecond())));
    }

    private static String toldOf(Row row) {
        if (row.duplicateRows() > 0) {
            return String.format(Locale.ROOT, "%,d rows too many", row.duplicateRows());
        }
        return row.lost() > 0
                ? String.format(Locale.ROOT, "%.0f %% lost", 100.0 * row.lost() / row.acknowledged())
                : "";
    }

    private double part(double x, int y, double share, String colour) {
        double width = FATE_WIDTH * share;
        if (share > 0) {
            bar(x, y, width, colour);
        }
        return width;
    }

    private void bar(double x, int y, double width, String colour) {
        svg.append(String.format(
                Locale.ROOT,
                "<rect x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\" fill=\"%s\"/>%n",
                x,
                y,
                width,
                BAR,
                colour));
    }

    private void text(double x, int y, String anchor, String style, String text) {
        svg.append(String.format(
                Locale.ROOT, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"%s\" %s>%s</text>%n", x, y, anchor, style, text));
    }
}
