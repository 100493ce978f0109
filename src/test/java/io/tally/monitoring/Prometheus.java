package io.tally.monitoring;

import io.tally.testing.Clients;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A Prometheus of the {@code PATH}, with the project's rules, which scrapes instances every second. */
final class Prometheus implements AutoCloseable {

    /** The name of the file with the rules. */
    static final String RULES = "rules.yml";

    private static final JsonMapper JSON = new JsonMapper();
    private static final Duration START_MAX = Duration.ofSeconds(30);

    private final HttpClient http = HttpClient.newHttpClient();
    private final Process process;
    private final URI uri;
    private final Path log;

    private Prometheus(Process process, int port, Path log) {
        this.process = process;
        this.uri = URI.create("http://127.0.0.1:" + port);
        this.log = log;
    }

    /** A sample: its labels and its value now. */
    record Sample(JsonNode labels, double value) {}

    /**
     * Starts one; returns when it answers.
     *
     * @param directory what it may fill
     * @param instances where the metrics of each are; the first is the pod {@code tally-0}
     */
    static Prometheus start(Path directory, List<URI> instances) throws IOException, InterruptedException {
        writeRules(directory);
        Path configuration = directory.resolve("prometheus.yml");
        Files.writeString(configuration, configuration(instances));
        Path log = directory.resolve("prometheus.log");
        int port = freePort();
        Process process = launch(
                log,
                "prometheus",
                "--config.file=" + configuration,
                "--storage.tsdb.path=" + directory.resolve("data"),
                "--web.listen-address=127.0.0.1:" + port);
        Runtime.getRuntime().addShutdownHook(new Thread(process::destroyForcibly));
        Prometheus started = new Prometheus(process, port, log);
        Clients.await("Prometheus answers", START_MAX, started::isReady);
        return started;
    }

    private static Process launch(Path log, String... command) throws IOException {
        try {
            return new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(log.toFile())
                    .start();
        } catch (IOException e) {
            throw new IOException("prometheus and promtool are needed on the PATH; .ci/monitoring gets them", e);
        }
    }

    /** Writes the rules as a file of their own. */
    static void writeRules(Path directory) throws IOException {
        Files.writeString(directory.resolve(RULES), Monitoring.ruleFile().toString(), StandardCharsets.UTF_8);
    }

    /** With the labels that the PodMonitor gives. */
    private static String configuration(List<URI> instances) {
        StringBuilder configuration = new StringBuilder("""
                global:
                  scrape_interval: 1s
                  scrape_timeout: 1s
                  evaluation_interval: 1s
                rule_files:
                  - %s
                scrape_configs:
                  - job_name: tally
                    metrics_path: /actuator/prometheus
                    static_configs:
                """.formatted(RULES));
        for (int i = 0; i < instances.size(); i++) {
            configuration.append("""
                          - targets: ["%s"]
                            labels:
                              namespace: tally
                              pod: tally-%d
                    """.formatted(instances.get(i).getAuthority(), i));
        }
        return configuration.toString();
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    private boolean isReady() {
        if (!process.isAlive()) {
            throw new AssertionError("Prometheus ended:\n" + Monitoring.text(log));
        }
        try {
            return send("/-/ready").statusCode() == 200;
        } catch (UncheckedIOException notYet) {
            return false;
        }
    }

    /** What an expression yields now. */
    List<Sample> query(String expression) {
        String query = URLEncoder.encode(expression, StandardCharsets.UTF_8);
        JsonNode data = get("/api/v1/query?query=" + query, expression);
        return data.path("result")
                .valueStream()
                .map(sample -> new Sample(
                        sample.path("metric"),
                        number(sample.path("value").path(1).asString("NaN"))))
                .toList();
    }

    private static double number(String text) {
        return switch (text) {
            case "+Inf" -> Double.POSITIVE_INFINITY;
            case "-Inf" -> Double.NEGATIVE_INFINITY;
            default -> Double.parseDouble(text);
        };
    }

    /** The values of a label among what a selector selects. */
    List<String> labelValues(String label, String selector) {
        String match = URLEncoder.encode(selector, StandardCharsets.UTF_8);
        return get("/api/v1/label/" + label + "/values?match[]=" + match, selector)
                .valueStream()
                .map(JsonNode::asString)
                .toList();
    }

    /** Every rule with the result of its last evaluation. */
    List<JsonNode> rules() {
        return get("/api/v1/rules", "rules")
                .path("groups")
                .valueStream()
                .flatMap(group -> group.path("rules").valueStream())
                .toList();
    }

    /** The names of the alerts that are in a state: {@code pending} or {@code firing}. */
    List<String> alerts(String state) {
        return get("/api/v1/alerts", "alerts")
                .path("alerts")
                .valueStream()
                .filter(alert -> alert.path("state").asString("").equals(state))
                .map(alert -> alert.path("labels").path("alertname").asString(""))
                .toList();
    }

    private JsonNode get(String path, String what) {
        JsonNode answer = JSON.readTree(send(path).body());
        if (!answer.path("status").asString("").equals("success")) {
            throw new AssertionError(what + ": " + answer);
        }
        return answer.path("data");
    }

    private java.net.http.HttpResponse<String> send(String path) {
        try {
            return http.send(
                    HttpRequest.newBuilder(URI.create(uri + path.replace("[]", "%5B%5D")))
                            .build(),
                    BodyHandlers.ofString());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    /** Stops it. */
    @Override
    public void close() {
        process.destroy();
        process.onExit().join();
        http.close();
    }
}
