package io.tally.postgres;

import io.r2dbc.postgresql.MultiHostConnectionStrategy.TargetServerType;
import io.r2dbc.postgresql.PostgresqlConnectionConfiguration;
import io.r2dbc.postgresql.client.ChannelBindingMode;
import io.r2dbc.postgresql.client.SSLMode;
import io.r2dbc.postgresql.client.SSLNegotiation;
import io.tally.StartupException;
import java.io.IOException;
import java.net.Inet6Address;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.PrivateKey;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.ssl.pem.PemContent;
import org.springframework.util.StringUtils;
import org.springframework.web.util.UriUtils;

/**
 * A URL of a PostgreSQL database, from which both drivers are configured: {@code
 * postgresql://host:port,host:port/database?parameter=value}. Immutable.
 *
 * <p>Each driver ignores the parameters that it does not know, so that a misspelt {@code sslmode} would leave one of
 * them without encryption. Only the parameters that mean the same to both are accepted.
 *
 * <p>No message quotes the URL or a value in it, since a password may be in any part of it.
 */
final class DatabaseUrl {

    private static final int DEFAULT_PORT = 5432;
    private static final int PORT_MAX = 65_535;

    private static final Pattern URL = Pattern.compile(
            "postgres(?:ql)?://(?<hosts>[^/?]*)(?:/(?<database>[^?]*))?(?:\\?(?<parameters>.*))?", Pattern.DOTALL);
    private static final Pattern HOST =
            Pattern.compile("(?<name>[A-Za-z0-9._-]+|\\[(?<ipv6>[0-9A-Fa-f:.]+)])(?::(?<port>[0-9]{1,5}))?");
    private static final Pattern PARAMETER_NAME = Pattern.compile("[A-Za-z_]{1,40}");

    private static final Set<String> CREDENTIALS = Set.of("user", "username", "password");
    private static final Set<String> VERIFYING = Set.of("verify-ca", "verify-full");

    /** The value of {@code sslrootcert} for the certificates that the JVM trusts. */
    private static final String SYSTEM = "system";

    /** A parameter that both drivers know, and the spellings of libpq and of the JDBC driver. */
    @SuppressWarnings("ImmutableEnumChecker") // the lists are immutable
    private enum Parameter {
        SSL_MODE(List.of("disable", "allow", "prefer", "require", "verify-ca", "verify-full"), "sslmode"),
        SSL_ROOT_CERT(List.of(), "sslrootcert"),
        SSL_CERT(List.of(), "sslcert"),
        SSL_KEY(List.of(), "sslkey"),
        SSL_NEGOTIATION(List.of("postgres", "direct"), "sslnegotiation", "sslNegotiation"),
        CHANNEL_BINDING(List.of("disable", "prefer", "require"), "channel_binding", "channelBinding"),
        // Tally writes, so it cannot use a replica.
        TARGET(List.of("primary", "read-write"), "targetServerType", "target_session_attrs"),
        CURRENT_SCHEMA(List.of(), "currentSchema"),
        OPTIONS(List.of(), "options");

        private final List<String> values;
        private final List<String> spellings;

        /**
         * A parameter.
         *
         * @param values those allowed; empty if any is
         */
        Parameter(List<String> values, String... spellings) {
            this.values = values;
            this.spellings = List.of(spellings);
        }

        private static @Nullable Parameter spelt(String name) {
            for (Parameter parameter : values()) {
                if (parameter.spellings.contains(name)) {
                    return parameter;
                }
            }
            return null;
        }

        private static String names() {
            List<String> names = new ArrayList<>();
            for (Parameter parameter : values()) {
                names.addAll(parameter.spellings);
            }
            return String.join(", ", names);
        }

        private String label() {
            return spellings.getFirst();
        }
    }

    private record Host(String name, int port) {

        private boolean isIpv6() {
            return name.indexOf(':') >= 0;
        }

        @Override
        public String toString() {
            return (isIpv6() ? "[" + name + "]" : name) + ":" + port;
        }
    }

    private final String key;
    private final List<Host> hosts;
    private final String database;
    private final Map<Parameter, String> parameters;
    private final Map<String, String> session;

    private DatabaseUrl(String key, Matcher url) {
        this.key = key;
        this.hosts = hosts(url.group("hosts"));
        this.database = database(url.group("database"));
        this.parameters = parameters(url.group("parameters"));
        requireConsistentEncryption();
        this.session = sessionSettings();
    }

    /**
     * Reads a URL. Opens no connection and no file.
     *
     * @param key the setting that the URL comes from, for messages
     * @throws StartupException if the URL has credentials, or a part that the two drivers would interpret differently
     */
    static DatabaseUrl parse(String key, String url) {
        Matcher matcher = URL.matcher(url);
        if (!matcher.matches()) {
            throw new StartupException(
                    key + " must be postgresql://host:port/database.",
                    "Begin the value of " + key + " with postgresql:// (or postgres://).");
        }
        if (url.indexOf('@') >= 0) {
            throw credentials(key);
        }
        return new DatabaseUrl(key, matcher);
    }

    private static StartupException credentials(String key) {
        String names = key.startsWith("spring.flyway")
                ? "SPRING_FLYWAY_USER and SPRING_FLYWAY_PASSWORD"
                : "TALLY_DATABASE_USERNAME and TALLY_DATABASE_PASSWORD";
        return new StartupException(
                key + " must not contain a user name or a password.",
                "Set " + names + " instead. Write an @ that is part of a name as %40.");
    }

    private StartupException refused(String rule, String action) {
        return new StartupException(key + ": " + rule, action);
    }

    private List<Host> hosts(String list) {
        List<Host> read = new ArrayList<>();
        for (String host : list.split(",", -1)) {
            Matcher matcher = HOST.matcher(host);
            if (!matcher.matches()) {
                throw noHost();
            }
            String ipv6 = matcher.group("ipv6");
            String port = matcher.group("port");
            read.add(new Host(
                    ipv6 == null ? matcher.group("name") : address(ipv6),
                    port == null ? DEFAULT_PORT : Integer.parseInt(port)));
        }
        for (Host host : read) {
            if (host.port < 1 || host.port > PORT_MAX) {
                throw refused("a port must be between 1 and " + PORT_MAX + ".", "Correct the port.");
            }
        }
        return List.copyOf(read);
    }

    /** The JDK's spelling of an IPv6 address: the JDBC driver compares it with the server's certificate. */
    private String address(String ipv6) {
        try {
            return Inet6Address.ofLiteral(ipv6).getHostAddress();
        } catch (IllegalArgumentException e) {
            throw noHost();
        }
    }

    private StartupException noHost() {
        return refused(
                "each host must be a name or an address, with a port of digits or none.",
                "Write postgresql://host:port/database, several hosts as host:port,host:port, and an IPv6"
                        + " address in brackets: [::1]:5432.");
    }

    private String database(@Nullable String encoded) {
        if (encoded == null || encoded.isEmpty()) {
            // The drivers would use the database with the user's name, and migrations may have another user.
            throw refused("no database is named.", "Add its name: postgresql://host:port/database.");
        }
        if (encoded.indexOf('/') >= 0) {
            throw refused("the database's name must not contain a slash.", "Write a slash in the name as %2F.");
        }
        return decoded(encoded);
    }

    private Map<Parameter, String> parameters(@Nullable String encoded) {
        Map<Parameter, String> read = new EnumMap<>(Parameter.class);
        if (encoded == null) {
            return read;
        }
        List<String> pairs = List.of(encoded.split("&"));
        for (String pair : pairs) {
            if (CREDENTIALS.contains(nameOf(pair).toLowerCase(Locale.ROOT))) {
                throw credentials(key);
            }
        }
        for (String pair : pairs) {
            String name = nameOf(pair);
            Parameter parameter = Parameter.spelt(name);
            if (parameter == null) {
                throw unknown(name);
            }
            String value = decoded(pair.substring(Math.min(name.length() + 1, pair.length())));
            if (value.isEmpty() || (!parameter.values.isEmpty() && !parameter.values.contains(value))) {
                String rule = parameter.values.isEmpty()
                        ? " must have a value."
                        : " must be one of " + String.join(", ", parameter.values) + ".";
                throw refused(name + rule, "Correct the parameter " + name + ", or remove it.");
            }
            if (read.put(parameter, value) != null) {
                throw refused("the parameter " + parameter.label() + " occurs twice.", "Keep one of them.");
            }
        }
        return read;
    }

    private static String nameOf(String pair) {
        int equals = pair.indexOf('=');
        return equals < 0 ? pair : pair.substring(0, equals);
    }

    private StartupException unknown(String name) {
        String action = switch (name.toLowerCase(Locale.ROOT)) {
            case "sslpassword" -> "Use a key file without a password that only the service's user may read.";
            case "ssl" -> "Write sslmode=verify-full (or another sslmode).";
            case "schema" -> "Write currentSchema.";
            case "connect_timeout", "connecttimeout", "logintimeout" -> "Set tally.database.connect-timeout.";
            default -> "Remove the parameter.";
        };
        // Other characters: it may be part of a password that has an & in it.
        String which = PARAMETER_NAME.matcher(name).matches() ? "the parameter " + name : "a parameter";
        return refused(
                which + " is not supported.", action + " The supported parameters are " + Parameter.names() + ".");
    }

    private String decoded(String encoded) {
        String decoded;
        try {
            // Like libpq: a plus sign is not a space.
            decoded = StringUtils.uriDecode(encoded, StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            throw refused("a percent sign must be followed by two hexadecimal digits.", "Write a percent sign as %25.");
        }
        // In the start-up message, a NUL would end the value and begin another setting.
        if (decoded.chars().anyMatch(Character::isISOControl)) {
            throw refused("control characters are not allowed.", "Remove them.");
        }
        return decoded;
    }

    private void requireConsistentEncryption() {
        String mode = sslMode();
        String root = parameters.get(Parameter.SSL_ROOT_CERT);
        if (VERIFYING.contains(mode) && root == null) {
            // Otherwise one driver would use a file in the home directory and the other the JVM's certificates.
            throw refused(
                    "sslmode=" + mode + " needs sslrootcert.",
                    "Add sslrootcert=/path/to/ca.crt, or sslrootcert=system for the certificates that the JVM trusts.");
        }
        if (root != null && !VERIFYING.contains(mode)) {
            throw refused(
                    "sslrootcert has no effect unless sslmode is verify-ca or verify-full.",
                    "Add sslmode=verify-full, or remove sslrootcert.");
        }
        if (SYSTEM.equals(root) && !"verify-full".equals(mode)) {
            // Otherwise every server with a certificate of a public authority would be accepted.
            throw refused("sslrootcert=system needs sslmode=verify-full.", "Write sslmode=verify-full.");
        }
        boolean certificate = parameters.containsKey(Parameter.SSL_CERT);
        if (certificate != parameters.containsKey(Parameter.SSL_KEY)) {
            throw refused("sslcert and sslkey belong together.", "Give both, or neither.");
        }
        if (certificate && (Set.of("disable", "allow").contains(mode) || SYSTEM.equals(root))) {
            throw refused(
                    "sslcert and sslkey have no effect with sslmode=" + mode
                            + (root == null ? "" : "&sslrootcert=system") + ".",
                    "Write sslmode=verify-full and name a file in sslrootcert, or remove sslcert and sslkey.");
        }
        if ("direct".equals(parameters.get(Parameter.SSL_NEGOTIATION))
                && Set.of("disable", "allow", "prefer").contains(mode)) {
            throw refused(
                    "sslnegotiation=direct needs an sslmode that requires encryption.",
                    "Write sslmode=require, verify-ca or verify-full.");
        }
    }

    private String sslMode() {
        return parameters.getOrDefault(Parameter.SSL_MODE, "disable");
    }

    private Map<String, String> sessionSettings() {
        Map<String, String> settings = new HashMap<>();
        String options = parameters.get(Parameter.OPTIONS);
        if (options != null) {
            try {
                settings.putAll(SessionOptions.parse(options));
            } catch (IllegalArgumentException e) {
                throw refused("options: " + e.getMessage(), "Correct options, or remove it.");
            }
        }
        String schema = parameters.get(Parameter.CURRENT_SCHEMA);
        if (schema != null && settings.put("search_path", schema) != null) {
            throw refused("currentSchema and options both set search_path.", "Keep one of them.");
        }
        return Map.copyOf(settings);
    }

    /** The session settings in the URL. Names are in lower case. */
    Map<String, String> session() {
        return session;
    }

    /**
     * The configuration of the service's driver, without credentials.
     *
     * @param connectTimeout the time-out until one of the hosts accepts a connection
     * @throws StartupException if a file of the URL cannot be read
     */
    PostgresqlConnectionConfiguration.Builder r2dbc(Duration connectTimeout) {
        PostgresqlConnectionConfiguration.Builder builder = PostgresqlConnectionConfiguration.builder()
                .database(database)
                // A host that does not respond leaves time for the others.
                .connectTimeout(connectTimeout.dividedBy(hosts.size()))
                .sslMode(SSLMode.fromValue(sslMode()));
        if (hosts.size() == 1) {
            builder.host(hosts.getFirst().name).port(hosts.getFirst().port);
        } else {
            hosts.forEach(host -> builder.addHost(host.name, host.port));
            builder.targetServerType(TargetServerType.PRIMARY);
        }
        certificates(Parameter.SSL_ROOT_CERT).ifPresent(file -> builder.sslRootCert(file.toString()));
        certificates(Parameter.SSL_CERT).ifPresent(file -> builder.sslCert(file.toString()));
        key().ifPresent(key -> builder.sslKey(value(Parameter.SSL_KEY)));
        if (!"verify-full".equals(sslMode())) {
            // Netty's own default is to compare the name of the host with the certificate.
            builder.sslContextBuilderCustomizer(context -> context.endpointIdentificationAlgorithm(null));
        }
        optional(Parameter.SSL_NEGOTIATION).map(SSLNegotiation::fromValue).ifPresent(builder::sslNegotiation);
        optional(Parameter.CHANNEL_BINDING)
                .map(value -> ChannelBindingMode.valueOf(value.toUpperCase(Locale.ROOT)))
                .ifPresent(builder::channelBinding);
        return builder;
    }

    /** The URL for the JDBC driver: hosts and database only, since Flyway logs it. */
    String jdbcUrl() {
        return hosts.stream().map(Host::toString).collect(Collectors.joining(",", "jdbc:postgresql://", "/"))
                + UriUtils.encode(database, StandardCharsets.UTF_8);
    }

    /**
     * The parameters as the JDBC driver names them, without credentials.
     *
     * @throws StartupException if a file of the URL cannot be read
     */
    Properties jdbcProperties() {
        Properties properties = new Properties();
        // By default the JDBC driver encrypts if the server offers it, and the service's driver does not.
        properties.setProperty("sslmode", sslMode());
        if (hosts.size() > 1 || parameters.containsKey(Parameter.TARGET)) {
            properties.setProperty("targetServerType", "primary");
        }
        if (SYSTEM.equals(parameters.get(Parameter.SSL_ROOT_CERT))) {
            properties.setProperty("sslfactory", "org.postgresql.ssl.DefaultJavaSSLFactory");
        }
        certificates(Parameter.SSL_ROOT_CERT).ifPresent(file -> properties.setProperty("sslrootcert", file.toString()));
        certificates(Parameter.SSL_CERT).ifPresent(file -> properties.setProperty("sslcert", file.toString()));
        key().ifPresent(key -> {
            properties.setProperty("sslkey", value(Parameter.SSL_KEY));
            properties.setProperty("pemKeyAlgorithm", key.getAlgorithm());
        });
        optional(Parameter.SSL_NEGOTIATION).ifPresent(value -> properties.setProperty("sslNegotiation", value));
        optional(Parameter.CHANNEL_BINDING).ifPresent(value -> properties.setProperty("channelBinding", value));
        optional(Parameter.CURRENT_SCHEMA).ifPresent(value -> properties.setProperty("currentSchema", value));
        optional(Parameter.OPTIONS).ifPresent(value -> properties.setProperty("options", value));
        return properties;
    }

    private Optional<String> optional(Parameter parameter) {
        return Optional.ofNullable(parameters.get(parameter));
    }

    private String value(Parameter parameter) {
        return optional(parameter).orElseThrow();
    }

    /** A file of certificates, if the URL names one. */
    private Optional<Path> certificates(Parameter parameter) {
        return optional(parameter).filter(file -> !SYSTEM.equals(file)).map(file -> {
            try {
                if (PemContent.load(Path.of(file)).getCertificates().isEmpty()) {
                    throw new IllegalStateException("no certificate");
                }
            } catch (IOException | RuntimeException e) {
                throw refused(
                        parameter.label() + " must name a readable file of certificates in PEM format.",
                        "Correct the path, or give the service the right to read the file.");
            }
            return Path.of(file);
        });
    }

    /** The client's key, if the URL names one. */
    private Optional<PrivateKey> key() {
        return optional(Parameter.SSL_KEY).map(file -> {
            try {
                String pem = Files.readString(Path.of(file));
                // Other formats: each driver reads different ones.
                if (!pem.contains("-----BEGIN PRIVATE KEY-----")) {
                    throw new IllegalStateException("another format");
                }
                return Objects.requireNonNull(PemContent.of(pem).getPrivateKey());
            } catch (IOException | RuntimeException e) {
                throw refused(
                        "sslkey must name a readable PEM file with an unencrypted PKCS #8 key (BEGIN PRIVATE KEY).",
                        "Convert the key with: openssl pkcs8 -topk8 -nocrypt -in client.key -out client.pem");
            }
        });
    }

    /** Only hosts, ports and the database, since every other part may contain a secret. */
    @Override
    public String toString() {
        return hosts.stream().map(Host::toString).collect(Collectors.joining(",", "postgresql://", "/")) + database;
    }
}
