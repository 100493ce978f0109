package io.tally;

import java.util.List;
import java.util.Map;
import org.springframework.boot.context.event.ApplicationEnvironmentPreparedEvent;
import org.springframework.context.ApplicationListener;
import org.springframework.core.env.Environment;

/** Ends the process with one line where it is not told which database to use, instead of a stack trace about beans. */
final class RequiredSettings implements ApplicationListener<ApplicationEnvironmentPreparedEvent> {

    private static final Map<String, String> VARIABLE_BY_KEY = Map.of(
            "tally.database.url", "TALLY_DATABASE_URL",
            "tally.database.username", "TALLY_DATABASE_USERNAME",
            "tally.database.password", "TALLY_DATABASE_PASSWORD");

    @Override
    public void onApplicationEvent(ApplicationEnvironmentPreparedEvent event) {
        List<String> missing = missing(event.getEnvironment());
        if (!missing.isEmpty()) {
            System.err.println("Tally does not start: set " + String.join(", ", missing)
                    + " (the URL is postgresql://host:port/database).");
            System.exit(1);
        }
    }

    static List<String> missing(Environment environment) {
        return VARIABLE_BY_KEY.keySet().stream()
                .filter(key -> !environment.containsProperty(key))
                .map(VARIABLE_BY_KEY::get)
                .sorted()
                .toList();
    }
}
