package io.tally.console;

import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * The console. {@code application.yml} says how to choose the value.
 *
 * @param enabled whether its pages are served and its cookie counts
 */
@ConfigurationProperties("tally.console")
record ConsoleProperties(@DefaultValue("true") boolean enabled) {}
