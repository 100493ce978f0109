package io.tally.access;

import io.tally.StartupException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.actuate.autoconfigure.web.server.ManagementPortType;
import org.springframework.boot.context.event.ApplicationEnvironmentPreparedEvent;
import org.springframework.context.ApplicationListener;
import org.springframework.core.env.ConfigurableEnvironment;
import org.springframework.core.env.MapPropertySource;
import org.springframework.util.StringUtils;

/**
 * Binds the ports to the loopback interface while no access mode is chosen, so that a service without access control is
 * never reachable from elsewhere by accident. Refuses another address.
 */
final class LoopbackBinding implements ApplicationListener<ApplicationEnvironmentPreparedEvent> {

    private static final Logger log = LoggerFactory.getLogger(LoopbackBinding.class);

    private static final String LOOPBACK = "127.0.0.1";
    /** Set by the image. */
    private static final String MODE_REQUIRED = "tally.access.mode-required";

    private static final String MAIN = "server.address";
    private static final String MANAGEMENT = "management.server.address";

    @Override
    public void onApplicationEvent(ApplicationEnvironmentPreparedEvent event) {
        ConfigurableEnvironment environment = event.getEnvironment();
        if (AccessMode.of(environment.getProperty(AccessMode.KEY)) != AccessMode.UNSET) {
            return;
        }
        if (environment.getProperty(MODE_REQUIRED, Boolean.class, false)) {
            throw new StartupException(
                    AccessMode.KEY + " is not set, and no client outside a container reaches its loopback interface.",
                    "Set TALLY_ACCESS_MODE to keys (access keys), jwt (tokens of an issuer), keys,jwt (both) or open"
                            + " (every client that reaches the port may do everything).");
        }
        Map<String, Object> addresses = new HashMap<>();
        for (String key : List.of(MAIN, MANAGEMENT)) {
            String address = environment.getProperty(key, "");
            if (StringUtils.hasText(address)) {
                requireLoopback(key, address);
            } else if (key.equals(MAIN) || ManagementPortType.get(environment) == ManagementPortType.DIFFERENT) {
                addresses.put(key, LOOPBACK);
            }
        }
        environment.getPropertySources().addFirst(new MapPropertySource("loopbackBinding", addresses));
        log.info(
                "{} is not set: Tally listens on the loopback interface only, and needs no credentials",
                AccessMode.KEY);
    }

    private static void requireLoopback(String key, String address) {
        if (!isLoopback(address)) {
            throw new StartupException(
                    key + " is " + address + ", but " + AccessMode.KEY
                            + " is not set: without it, Tally listens on the loopback interface only.",
                    "Set TALLY_ACCESS_MODE to keys or jwt. With open, every client that reaches the port may do"
                            + " everything.");
        }
    }

    private static boolean isLoopback(String address) {
        try {
            return InetAddress.getByName(address).isLoopbackAddress();
        } catch (UnknownHostException unknown) {
            return false;
        }
    }
}
