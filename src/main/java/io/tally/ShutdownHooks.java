package io.tally;

import org.slf4j.LoggerFactory;
import org.springframework.boot.SpringApplication;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.SmartLifecycle;

/**
 * The handling of signals. Before the service listens, a signal ends the process at once: nothing has been
 * acknowledged, and PostgreSQL rolls back an interrupted migration. Afterwards a signal closes the context gracefully.
 *
 * <p>Spring Boot's own hook waits for the end of the start, which may wait for a database for minutes.
 */
final class ShutdownHooks {

    private volatile boolean starting = true;

    private ShutdownHooks() {}

    static void run(SpringApplication application, String... arguments) {
        ShutdownHooks hooks = new ShutdownHooks();
        Runtime.getRuntime().addShutdownHook(new Thread(hooks::logInterruption, "shutdown"));
        application.setRegisterShutdownHook(false);
        application.addInitializers(
                context -> context.getBeanFactory().registerSingleton("endOfStart", hooks.new EndOfStart(context)));
        try {
            application.run(arguments);
        } finally {
            hooks.starting = false;
        }
    }

    private void logInterruption() {
        if (starting) {
            LoggerFactory.getLogger(TallyApplication.class)
                    .info("Stopped by a signal before the start was complete. Nothing was acknowledged.");
        }
    }

    /** Starts before the servers listen. */
    private final class EndOfStart implements SmartLifecycle {

        private final ConfigurableApplicationContext context;
        private volatile boolean running;

        private EndOfStart(ConfigurableApplicationContext context) {
            this.context = context;
        }

        @Override
        public void start() {
            running = true;
            try {
                context.registerShutdownHook();
                starting = false;
            } catch (IllegalStateException ending) {
                LoggerFactory.getLogger(TallyApplication.class).debug("The process is ending", ending);
            }
        }

        @Override
        public void stop() {
            running = false;
        }

        @Override
        public boolean isRunning() {
            return running;
        }

        @Override
        public int getPhase() {
            return Integer.MIN_VALUE;
        }
    }
}
