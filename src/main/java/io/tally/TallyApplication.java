package io.tally;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;

/** The counter service. */
@SpringBootApplication
public class TallyApplication {

    /** Starts the service. */
    public static void main(String[] arguments) {
        ShutdownHooks.run(new SpringApplication(TallyApplication.class), arguments);
    }
}
