package io.tally.access;

import static org.assertj.core.api.Assertions.assertThat;

import io.tally.testing.Database;
import io.tally.testing.Postgres;
import io.tally.testing.TallyClient;
import io.tally.testing.TallyClient.Answer;
import io.tally.testing.TallyProcess;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Credentials are in no log, metric, problem or list of processes, also where the log is verbose. */
@Timeout(180)
class SecretsIT {

    private static final String ROOT = "c0ffee-".repeat(6);

    private final List<String> seen = new ArrayList<>();

    private Answer kept(Answer answer) {
        seen.add(answer.headers().map() + answer.body());
        return answer;
    }

    @Test
    void credentialsAreNowhere(@TempDir Path secrets) throws Exception {
        Files.writeString(secrets.resolve("tally.access.root-key"), ROOT + "\n");
        Database database = Postgres.shared().createDatabase();
        try (TallyProcess process = TallyProcess.start(
                database,
                "--spring.config.import=configtree:" + secrets + "/",
                "--tally.access.mode=keys",
                "--logging.level.io.tally=trace",
                "--logging.level.org.springframework=debug")) {
            TallyClient client = new TallyClient(process.uri());
            String key = create(client);
            use(client, key);
            use(client, key + "x");
            use(client, key.substring(0, 20) + "x" + key.substring(21));
            use(client, ROOT);
            String rotated = kept(client.get("/v1/keys/" + KeyFormat.id(key), "Authorization", "Bearer " + ROOT))
                    .json()
                    .path("id")
                    .asString();
            assertThat(client.send("DELETE", "/v1/keys/" + rotated, "", "Authorization", "Bearer " + ROOT)
                            .status())
                    .isEqualTo(204);
            use(client, key);
            process.awaitLog("root revoked the key secret (" + rotated + ")");
            process.awaitLog("key secret (" + rotated + "): revoked");

            Answer metrics = new TallyClient(process.managementUri()).get("/actuator/prometheus");
            assertThat(metrics.status()).isEqualTo(200);
            assertThat(metrics.body()).contains("tally_access_refused_total");
            seen.add(metrics.body());
            seen.addAll(process.log());
            assertThat(seen)
                    .filteredOn(text ->
                            text.contains(key.substring(17)) || text.contains(key.substring(21)) || text.contains(ROOT))
                    .isEmpty();
            assertThat(processes()).contains("--tally.access.mode=keys").doesNotContain(key.substring(17), ROOT);
        }
    }

    private static String create(TallyClient client) {
        Answer created = client.send(
                "POST",
                "/v1/keys",
                "{\"name\":\"secret\",\"grants\":[{\"namespaces\":[\"shop\"],\"actions\":[\"write\"]}]}",
                "Authorization",
                "Bearer " + ROOT);
        assertThat(created.status()).isEqualTo(201);
        return created.json().path("key").asString();
    }

    private void use(TallyClient client, String token) {
        String[] credentials = {"Authorization", "Bearer " + token};
        kept(client.send("POST", "/v1/counters/shop/a/increments", "", credentials));
        kept(client.send("POST", "/v1/counters/bank/a/increments", "", credentials));
        kept(client.send("POST", "/v1/counters/shop/a/increments", "{}", credentials));
        kept(client.get("/v1/counters/shop/a", credentials));
        kept(client.get("/v1/nowhere", credentials));
        kept(client.send("POST", "/v1/keys", "{", credentials));
        kept(client.get("/v1/caller", credentials));
    }

    /** The command lines of all processes. */
    private static String processes() {
        StringBuilder lines = new StringBuilder();
        ProcessHandle.allProcesses().forEach(process -> {
            try {
                lines.append(Files.readString(
                        Path.of("/proc", Long.toString(process.pid()), "cmdline"), StandardCharsets.ISO_8859_1));
            } catch (IOException ended) {
                // The process has ended, or belongs to another user.
            }
        });
        return lines.toString().replace('\0', '\n');
    }
}
