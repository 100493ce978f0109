package io.tally.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.testing.Clients;
import io.tally.testing.Database;
import io.tally.testing.Postgres;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyClient.Answer;
import io.tally.testing.TallyServer;
import java.sql.SQLException;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Constraints that an operator added to the database refuse the one operation they are about, and none that shares its
 * batch.
 */
@Timeout(60)
class OthersConstraintsIT {

    private static Database database;
    private static TallyServer server;
    private static TallyClient client;

    @BeforeAll
    static void start() throws SQLException {
        database = Postgres.shared().createDatabase();
        server = TallyServer.start(database);
        client = new TallyClient(server.uri());
    }

    @AfterEach
    void removeRules() throws SQLException {
        database.executeInEach("alter table counter drop constraint if exists mine");
        database.executeInEach("drop index if exists mine");
        database.executeInEach("drop trigger if exists refuse on counter");
        database.executeInEach("drop function if exists refuse()");
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "alter table counter add constraint mine check (name <> 'bad')",
                "create unique index mine on counter ((case when name in ('bad', 'other') then 1 end))",
                "P0001",
                "22003",
                "22021",
                "54000",
                "45000"
            })
    void refuseOneOperationOnly(String rule) throws Exception {
        client.increment("rules/other", 1);
        database.of("rules").execute(rule.length() == 5 ? triggerThatRaises(rule) : rule);

        List<Answer> answers =
                Clients.atOnce(32, i -> client.increment(i == 7 ? "rules/bad" : "rules/good" + i % 3, 1));

        assertThat(answers.stream().filter(answer -> answer.status() == 200)).hasSize(31);
        assertThat(answers.stream().filter(answer -> answer.status() == 409))
                .singleElement()
                .satisfies(answer -> assertThat(answer.problem()).isEqualTo("constraint-violated"));
        assertThat(client.get("/v1/counters/rules/bad").status()).isEqualTo(404);
        client.requireBalancedBooks();
    }

    @ParameterizedTest
    @ValueSource(strings = {"token /v1/tokens/", "job /v1/snapshots/"})
    void refuseWhatIsBesideTheLanes(String tableAndPath) throws Exception {
        String table = tableAndPath.split(" ", -1)[0];
        String path = tableAndPath.split(" ", -1)[1];
        database.executeInEach("alter table " + table + " add constraint mine check (namespace <> 'bad')");

        Answer refused = client.post(path + "bad");

        assertThat(refused.status()).isEqualTo(409);
        assertThat(refused.problem()).isEqualTo("constraint-violated");
        assertThat(client.post(path + "good").status()).isBetween(201, 202);
    }

    private static String triggerThatRaises(String state) {
        return """
                create function refuse() returns trigger language plpgsql as $$
                begin
                  if new.name = 'bad' then raise exception 'no' using errcode = '%s'; end if;
                  return new;
                end $$;
                create trigger refuse before insert or update on counter for each row execute function refuse()
                """.formatted(state);
    }
}
