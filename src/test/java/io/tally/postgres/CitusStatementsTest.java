package io.tally.postgres;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.constantpool.StringEntry;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.lang.reflect.RecordComponent;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * No statement has what Citus refuses on the tables of a distributed schema. The tests that run on Citus prove the same
 * with a server; this test needs none.
 *
 * <p>Reads every statement of the class files: the constants of classes, as they are at run time, and each other
 * literal that begins as a statement does.
 */
class CitusStatementsTest {

    private static final Pattern STATEMENT = Pattern.compile(
            "\\s*(with|select|insert|update|delete|merge|lock|do|create|alter|drop|truncate)\\s.*", Pattern.DOTALL);

    private static final String TABLES = String.join("|", DatabaseProof.TABLES);

    private static final Pattern VOLATILE =
            Pattern.compile("\\b(clock_timestamp|timeofday|random|gen_random_uuid|nextval|setval)\\(");
    private static final Pattern CLOCK =
            Pattern.compile("\\b(now|statement_timestamp|transaction_timestamp|clock_timestamp)\\(");
    private static final Pattern MUTABLE = Pattern.compile(CLOCK.pattern() + "|\\binterval '|::timestamptz");
    private static final Pattern TIME_OF_COLUMN =
            Pattern.compile("[\\w.]+ [-+] (?:\\$\\d+ \\* )?interval\\b|\\w\\.\\w+::timestamptz");
    private static final Pattern CONDITION =
            Pattern.compile("\\bcoalesce\\((?:[^()]|\\([^()]*\\))*\\)|\\bcase\\b.*?\\bend\\b");
    private static final Pattern READ = Pattern.compile("\\b(from|join) (" + TABLES + ")\\b");
    private static final Pattern PLACE = Pattern.compile("\\bwhere (\\w+\\.)?ctid\\b");

    private static final Pattern QUERY = Pattern.compile("(?<=\\()select ");
    private static final Pattern CONFLICT = Pattern.compile("\\bdo update set ");
    private static final Pattern DELETE = Pattern.compile("\\bdelete from ");
    private static final Pattern UPDATE = Pattern.compile("(?<!\\bdo )(?<!\\bfor )(?<!\\bkey )\\bupdate (?=\\w)");
    private static final Pattern INSERT = Pattern.compile("\\binsert into ");
    private static final Pattern INSERT_OF_QUERY = Pattern.compile("^insert into (" + TABLES + ")\\b[^)]*\\) select ");

    private static final Map<String, String> TEXTS = new TreeMap<>();

    /**
     * A refusal of Citus 13.2.
     *
     * @param reason why Citus refuses the statement, and what to write instead
     * @param example a refused statement
     * @param check finds the refused parts of a statement
     */
    record Refusal(String name, String reason, String example, Function<String, Stream<String>> check) {

        List<String> in(String sql) {
            return check.apply(sql.replaceAll("--[^\n]*", "")
                            .replaceAll("\\s+", " ")
                            .trim())
                    .toList();
        }

        @Override
        public String toString() {
            return name;
        }
    }

    static Stream<Refusal> refusals() {
        return Stream.of(
                new Refusal(
                        "volatile function",
                        "Citus refuses volatile functions in updates and deletes: it cannot tell whether to evaluate"
                                + " them once or"
                                + " for each row. Take statement_timestamp().",
                        "with k as (select 1) update job set finished_at = clock_timestamp() from k where id = $1",
                        sql -> modifies(sql) ? find(VOLATILE, sql) : Stream.empty()),
                new Refusal(
                        "mutable conflict clause",
                        "Citus refuses functions that are not immutable in a conflict clause, since it does not"
                                + " evaluate them on"
                                + " the coordinator. Insert the result as a column, and take it from excluded.",
                        "insert into token (token) values ($1) on conflict (token) do update set created_at = now()",
                        sql -> from(CONFLICT, sql)
                                .map(clause -> clause.split("\\breturning\\b", 2)[0])
                                .flatMap(clause -> find(MUTABLE, clause))),
                new Refusal(
                        "clock in condition",
                        "Citus refuses a clock in the case or coalesce of an update, since the coordinator might not"
                                + " reach it."
                                + " Take it from a source row: from (select now() offset 0) t.",
                        "update access_key set revoked_at = coalesce(revoked_at, now()) where id = $1",
                        sql -> updates(sql)
                                .flatMap(clause -> find(CONDITION, clause))
                                .filter(condition -> CLOCK.matcher(condition).find())),
                new Refusal(
                        "clock of an open source",
                        "Without offset 0, the planner moves the clock of an update's source row to where the row is"
                                + " used.",
                        "update access_key set revoked_at = coalesce(revoked_at, t.now) from (select now()) t where id"
                                + " = $1",
                        sql -> from(UPDATE, sql)
                                .flatMap(update -> from(QUERY, update))
                                .filter(source -> !source.contains(" from ")
                                        && CLOCK.matcher(source).find()
                                        && !source.endsWith(" offset 0"))),
                new Refusal(
                        "time of a column",
                        "Citus refuses stable functions of a column in an update, such as a time plus an interval: the"
                                + " coordinator"
                                + " cannot evaluate them. Compute them in a source row.",
                        "update job j set lease_until = t.now + $1 * interval '1 second' from t where j.id = $2",
                        sql -> updates(sql).flatMap(clause -> find(TIME_OF_COLUMN, clause))),
                new Refusal(
                        "insert that reads a table",
                        "Citus sends an insert whose own query reads a table to the node with an invalid condition."
                                + " Read the table"
                                + " in another query of the statement.",
                        "insert into token (token) select $1 where not exists (select from token where token = $1)"
                                + " returning 1",
                        sql -> from(INSERT, sql).flatMap(insert -> find(READ, insert))),
                new Refusal(
                        "insert without result",
                        "Citus copies the rows of an insert from a query that has no conflict clause and returns"
                                + " nothing, and"
                                + " reports a violated constraint as an internal error. Add: returning 1.",
                        "insert into member (namespace, name, member) select namespace, name, member from move",
                        sql -> from(INSERT, sql)
                                .filter(insert ->
                                        INSERT_OF_QUERY.matcher(insert).find()
                                                && !insert.contains(" on conflict ")
                                                && !insert.contains(" returning "))),
                new Refusal(
                        "place of a row",
                        "An insert in a statement makes Citus execute the parts of the statement one by one. It then"
                                + " refuses ctid"
                                + " in a condition, since a row may move meanwhile. Take the key.",
                        "with gone as (delete from member where ctid = any (array(select place from moved))) insert"
                                + " into member"
                                + " (namespace, name, member) values ($1, $2, $3)",
                        sql -> INSERT.matcher(sql).find()
                                ? Stream.concat(from(DELETE, sql), from(UPDATE, sql))
                                        .filter(clause -> PLACE.matcher(clause).find())
                                : Stream.empty()));
    }

    @BeforeAll
    static void read() throws IOException, URISyntaxException, ReflectiveOperationException {
        Path root = Path.of(CounterSql.class
                .getProtectionDomain()
                .getCodeSource()
                .getLocation()
                .toURI());
        List<Path> classes;
        try (Stream<Path> files = Files.walk(root)) {
            classes = files.filter(file -> file.toString().endsWith(".class")).toList();
        }
        for (Path file : classes) {
            String name = root.relativize(file).toString().replace('/', '.').replaceFirst("\\.class$", "");
            List<String> literals = statements(file);
            if (!literals.isEmpty()) {
                readConstants(Class.forName(name));
                literals.stream()
                        .filter(literal -> !TEXTS.containsValue(literal))
                        .forEach(literal -> TEXTS.put(name + ": " + literal, literal));
            }
        }
    }

    private static List<String> statements(Path file) throws IOException {
        List<String> literals = new ArrayList<>();
        ClassFile.of().parse(file).constantPool().forEach(entry -> {
            if (entry instanceof StringEntry text
                    && STATEMENT.matcher(text.stringValue()).matches()) {
                literals.add(text.stringValue());
            }
        });
        return literals;
    }

    private static void readConstants(Class<?> type) throws ReflectiveOperationException {
        for (Field field : type.getDeclaredFields()) {
            if (Modifier.isStatic(field.getModifiers())) {
                field.setAccessible(true);
                readConstant(type.getSimpleName() + "." + field.getName(), field.get(null));
            }
        }
    }

    private static void readConstant(String name, @Nullable Object value) throws ReflectiveOperationException {
        if (value instanceof String text) {
            TEXTS.put(name, text);
        } else if (value instanceof Record texts) {
            for (RecordComponent component : texts.getClass().getRecordComponents()) {
                component.getAccessor().setAccessible(true);
                readConstant(
                        name + "." + component.getName(),
                        component.getAccessor().invoke(texts));
            }
        }
    }

    @ParameterizedTest
    @MethodSource("refusals")
    void noStatementHasWhatCitusRefuses(Refusal refusal) {
        Map<String, List<String>> refused = new TreeMap<>();
        TEXTS.forEach((name, sql) -> {
            List<String> parts = refusal.in(sql);
            if (!parts.isEmpty()) {
                refused.put(name, parts);
            }
        });

        assertThat(refused).as(refusal.reason()).isEmpty();
    }

    @ParameterizedTest
    @MethodSource("refusals")
    void aRefusedStatementIsFound(Refusal refusal) {
        assertThat(refusal.in(refusal.example())).isNotEmpty();
    }

    @Test
    void everyFeaturesStatementsAreRead() {
        assertThat(TEXTS)
                .containsKeys(
                        "CounterSql.ADD",
                        "CounterSql.ADD_KEYED",
                        "CounterSql.ADD_NEW_KEYS",
                        "CounterSql.ADD_ONE",
                        "AccessKeySql.USED",
                        "JobSql.CLAIM",
                        "LabRunSql.START",
                        "MemberSql.MOVE",
                        "MemberSql.PAGE",
                        "NameSql.CREATE",
                        "NamespaceSql.NAMES",
                        "PeriodSql.EXPIRY",
                        "PostgresLedgerStore.FOLD",
                        "RankingSql.BY_VALUE.first",
                        "SnapshotSql.STEP",
                        "TokenSql.ISSUE",
                        "WatchSql.CHANGES",
                        "io.tally.lab.PostgresCountingStrategies: update lab.post set likes = $2 where name = $1");
    }

    // ---- the parts of a statement

    private static boolean modifies(String sql) {
        return UPDATE.matcher(sql).find() || DELETE.matcher(sql).find();
    }

    /** Each update without the queries in it. */
    private static Stream<String> updates(String sql) {
        return from(UPDATE, sql).map(CitusStatementsTest::withoutQueries);
    }

    private static String withoutQueries(String clause) {
        StringBuilder own = new StringBuilder();
        int at = 0;
        while (at < clause.length()) {
            if (clause.startsWith("(select ", at)) {
                at = end(clause, at + 1) + 1;
            } else {
                own.append(clause.charAt(at));
                at++;
            }
        }
        return own.toString();
    }

    /** The parts of a statement that begin with a match, each up to the end of its parenthesis. */
    private static Stream<String> from(Pattern begin, String sql) {
        return begin.matcher(sql)
                .results()
                .map(match ->
                        sql.substring(match.start(), end(sql, match.start())).trim());
    }

    private static int end(String sql, int begin) {
        int depth = 0;
        for (int at = begin; at < sql.length(); at++) {
            switch (sql.charAt(at)) {
                case '(' -> depth++;
                case ')' -> {
                    if (depth == 0) {
                        return at;
                    }
                    depth--;
                }
                default -> {}
            }
        }
        return sql.length();
    }

    private static Stream<String> find(Pattern pattern, String text) {
        return pattern.matcher(text).results().map(MatchResult::group);
    }
}
