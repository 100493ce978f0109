package io.tally;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;

/** The counter service. */
@SpringBootApplication
public class TallyApplication {

    /** Starts the service; ends the process where it is not told which database to use. */
    public static void main(String[] arguments) {
        SpringApplication application = new SpringApplication(TallyApplication.class);
        application.addListeners(new RequiredSettings());
        application.run(arguments);
    }
}
