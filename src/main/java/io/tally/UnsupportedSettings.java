package io.tally;

import java.util.List;
import java.util.Locale;
import org.springframework.boot.context.event.ApplicationEnvironmentPreparedEvent;
import org.springframework.context.ApplicationListener;
import org.springframework.core.env.Environment;
import org.springframework.util.StringUtils;

/**
 * Refuses settings of Spring Boot with which the service would start but not work. Runs before every other step of the
 * start.
 */
final class UnsupportedSettings implements ApplicationListener<ApplicationEnvironmentPreparedEvent> {

    private static final List<String> PREFIXES = List.of("spring.webflux.base-path", "server.servlet.context-path");

    private static final String WEB_TYPE = "spring.main.web-application-type";
    private static final String LAZY = "spring.main.lazy-initialization";

    @Override
    public void onApplicationEvent(ApplicationEnvironmentPreparedEvent event) {
        Environment environment = event.getEnvironment();
        for (String key : PREFIXES) {
            String prefix = environment.getProperty(key, "");
            if (StringUtils.hasText(prefix)) {
                throw new StartupException(
                        key + " is " + prefix + ", but Tally serves its routes only under /v1.",
                        "Remove " + key + ". Have the proxy in front strip the prefix.");
            }
        }
        String type = environment.getProperty(WEB_TYPE, "reactive");
        if (!type.toLowerCase(Locale.ROOT).equals("reactive")) {
            throw new StartupException(
                    WEB_TYPE + " is " + type + ", but Tally is a reactive web application.",
                    "Remove " + WEB_TYPE + ".");
        }
        if (environment.getProperty(LAZY, Boolean.class, false)) {
            throw new StartupException(
                    LAZY + " is true, but Tally must create its beans and its tables at the start.",
                    "Remove " + LAZY + ".");
        }
    }
}
