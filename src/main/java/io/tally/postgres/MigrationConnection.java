package io.tally.postgres;

import java.util.Objects;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.flyway.autoconfigure.FlywayConnectionDetails;
import org.springframework.boot.flyway.autoconfigure.FlywayProperties;
import org.springframework.boot.jdbc.autoconfigure.JdbcConnectionDetails;
import org.springframework.jdbc.datasource.DriverManagerDataSource;

/**
 * The database and the user of Flyway: those of the service, unless {@code spring.flyway.url}, {@code
 * spring.flyway.user} or {@code spring.flyway.password} override them.
 *
 * <p>Implements {@link JdbcConnectionDetails}, since Spring Boot configures Flyway only with these or with {@code
 * spring.flyway.url}.
 */
final class MigrationConnection implements FlywayConnectionDetails, JdbcConnectionDetails {

    private final DatabaseUrl url;
    private final String username;
    private final String password;

    MigrationConnection(DatabaseProperties database, FlywayProperties flyway) {
        this.url = url(database, flyway.getUrl());
        this.username = Objects.requireNonNullElse(flyway.getUser(), database.username());
        this.password = Objects.requireNonNullElse(flyway.getPassword(), database.password());
    }

    private static DatabaseUrl url(DatabaseProperties database, @Nullable String flyway) {
        if (flyway == null || flyway.isEmpty()) {
            return database.address();
        }
        return DatabaseUrl.parse("spring.flyway.url", flyway.replaceFirst("^jdbc:", ""));
    }

    /** Opens connections with the URL's parameters, which {@link #getJdbcUrl()} leaves out. */
    DataSource dataSource() {
        DriverManagerDataSource source = new DriverManagerDataSource(url.jdbcUrl(), username, password);
        // Names the driver: the JDK finds drivers only through the class loader of the first thread that needs one.
        source.setDriverClassName(getDriverClassName());
        source.setConnectionProperties(url.jdbcProperties());
        return source;
    }

    @Override
    public String getJdbcUrl() {
        return url.jdbcUrl();
    }

    @Override
    public String getUsername() {
        return username;
    }

    @Override
    public String getPassword() {
        return password;
    }

    @Override
    public String getDriverClassName() {
        return JdbcConnectionDetails.super.getDriverClassName();
    }
}
