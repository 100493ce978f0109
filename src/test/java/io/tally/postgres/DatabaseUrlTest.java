package io.tally.postgres;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tally.StartupException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Properties;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DatabaseUrlTest {

    private static final Duration TIMEOUT = Duration.ofSeconds(3);

    private static DatabaseUrl parse(String url) {
        return DatabaseUrl.parse("tally.database.url", url);
    }

    private static String r2dbc(DatabaseUrl url) {
        return url.r2dbc(TIMEOUT).username("tally").build().toString();
    }

    private static Properties properties(Object... pairs) {
        Properties expected = new Properties();
        for (int i = 0; i < pairs.length; i += 2) {
            expected.put(pairs[i], pairs[i + 1]);
        }
        return expected;
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            postgresql://db:6432/tally | jdbc:postgresql://db:6432/tally | postgresql://db:6432/tally
            postgresql://db/tally      | jdbc:postgresql://db:5432/tally | postgresql://db:5432/tally
            postgres://db_1/tally      | jdbc:postgresql://db_1:5432/tally | postgresql://db_1:5432/tally
            postgresql://[::1]/tally   | jdbc:postgresql://[0:0:0:0:0:0:0:1]:5432/tally \
            | postgresql://[0:0:0:0:0:0:0:1]:5432/tally
            postgresql://db/a%20b+%C3%A9%2F%40 | jdbc:postgresql://db:5432/a%20b%2B%C3%A9%2F%40 \
            | postgresql://db:5432/a b+é/@
            postgresql://a:1,[fe80::1]:2,c/tally | jdbc:postgresql://a:1,[fe80:0:0:0:0:0:0:1]:2,c:5432/tally \
            | postgresql://a:1,[fe80:0:0:0:0:0:0:1]:2,c:5432/tally
            postgresql://db/tally?sslmode=require&options=-c%20a.b=c | jdbc:postgresql://db:5432/tally \
            | postgresql://db:5432/tally
            """)
    void namesHostsAndDatabase(String url, String jdbc, String shown) {
        assertThat(parse(url).jdbcUrl()).isEqualTo(jdbc);
        assertThat(parse(url)).hasToString(shown);
    }

    @Test
    void configuresBothDriversForOneHost() {
        DatabaseUrl url = parse("postgresql://[::1]:6432/a%20b");

        assertThat(r2dbc(url)).contains("database='a b'", "host='0:0:0:0:0:0:0:1'", "port=6432", "connectTimeout=PT3S");
        assertThat(url.jdbcProperties()).isEqualTo(properties("sslmode", "disable"));
        assertThat(url.session()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "?targetServerType=primary", "?target_session_attrs=read-write"})
    void asksForThePrimaryOfSeveralHosts(String parameters) {
        DatabaseUrl url = parse("postgresql://a:1,[::1]:2,c/tally" + parameters);

        assertThat(r2dbc(url))
                .contains("hosts=[a:1, 0:0:0:0:0:0:0:1:2, c:5432]", "targetServerType=PRIMARY", "connectTimeout=PT1S");
        assertThat(url.jdbcProperties()).isEqualTo(properties("sslmode", "disable", "targetServerType", "primary"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "options=-c%20search_path=apps",
                "options=-csearch_path=apps",
                "options=--search_path=apps",
                "options=--search-path=apps",
                "options=%20-c%20search_path=others%20%20--SEARCH_PATH=apps",
                "currentSchema=apps"
            })
    void readsTheSearchPath(String parameter) {
        assertThat(parse("postgresql://db/tally?" + parameter).session()).isEqualTo(Map.of("search_path", "apps"));
    }

    @Test
    void readsSeveralSessionSettings() {
        DatabaseUrl url =
                parse("postgresql://db/tally?currentSchema=a,b&options=-c%20role=o%5C%20%5C%5C%20--work-mem=8MB");

        assertThat(url.session()).isEqualTo(Map.of("search_path", "a,b", "role", "o \\", "work_mem", "8MB"));
        assertThat(url.jdbcProperties())
                .isEqualTo(properties(
                        "sslmode", "disable", "currentSchema", "a,b", "options", "-c role=o\\ \\\\ --work-mem=8MB"));
    }

    @Test
    void translatesWhatBothDriversKnow() {
        DatabaseUrl url = parse("postgresql://db/t?sslmode=verify-full&sslrootcert=system&sslnegotiation=direct"
                + "&channel_binding=require");

        assertThat(r2dbc(url)).contains("channelBindingMode=require");
        assertThat(url.jdbcProperties())
                .isEqualTo(properties(
                        "sslmode",
                        "verify-full",
                        "sslfactory",
                        "org.postgresql.ssl.DefaultJavaSSLFactory",
                        "sslNegotiation",
                        "direct",
                        "channelBinding",
                        "require"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            jdbc:postgresql://db/tally          | must be postgresql://host:port/database
            mysql://db/tally                    | must be postgresql://host:port/database
            postgresql:db                       | must be postgresql://host:port/database
            postgresql://tally:secret@db/tally  | must not contain a user name or a password
            postgresql://tally:se?cret@db/tally | must not contain a user name or a password
            postgresql://tally:se/cret@db/tally | must not contain a user name or a password
            postgresql://db/t?user=secret       | must not contain a user name or a password
            postgresql://db/t?sslmode=require&PASSWORD=secret&secret=1 | must not contain a user name or a password
            postgresql://tally:secret           | each host must be a name or an address
            postgresql://db:0/tally             | a port must be between 1 and 65535
            postgresql://db:65536/tally         | a port must be between 1 and 65535
            postgresql:///tally                 | each host must be a name or an address
            postgresql://a,,b/tally             | each host must be a name or an address
            postgresql://::1/tally              | each host must be a name or an address
            postgresql://[::1::2]/tally         | each host must be a name or an address
            postgresql://[1.2.3.4]/tally        | each host must be a name or an address
            postgresql://%2Fvar%2Frun/tally     | each host must be a name or an address
            postgresql://db                     | no database is named
            postgresql://db/                    | no database is named
            postgresql://db?sslmode=require     | no database is named
            postgresql://db/a/b                 | must not contain a slash
            postgresql://db/%zz                 | a percent sign must be followed by two hexadecimal digits
            postgresql://db/a%00b               | control characters are not allowed
            postgresql://db/t?sslpassword=secret | the parameter sslpassword is not supported
            postgresql://db/t?%20secret=1       | a parameter is not supported
            postgresql://db/t?pw=a&secret       | the parameter pw is not supported
            postgresql://db/t?ApplicationName=a | the parameter ApplicationName is not supported
            postgresql://db/t?connect_timeout=1 | the parameter connect_timeout is not supported
            postgresql://db/t?schema=a          | the parameter schema is not supported
            postgresql://db/t?ssl=true          | the parameter ssl is not supported
            postgresql://db/t?&sslmode=require  | a parameter is not supported
            postgresql://db/t?sslmode           | sslmode must be one of disable, allow, prefer, require
            postgresql://db/t?sslmode=secret    | sslmode must be one of disable, allow, prefer, require
            postgresql://db/t?options=          | options must have a value
            postgresql://db/t?targetServerType=any | targetServerType must be one of primary, read-write
            postgresql://a,b/t?target_session_attrs=standby | target_session_attrs must be one of primary, read-write
            postgresql://db/t?sslmode=allow&sslmode=allow | the parameter sslmode occurs twice
            postgresql://db/t?channelBinding=prefer&channel_binding=prefer | the parameter channel_binding occurs twice
            postgresql://db/t?sslmode=verify-full | sslmode=verify-full needs sslrootcert
            postgresql://db/t?sslmode=verify-ca | sslmode=verify-ca needs sslrootcert
            postgresql://db/t?sslmode=require&sslrootcert=ca.crt | sslrootcert has no effect
            postgresql://db/t?sslrootcert=ca.crt | sslrootcert has no effect
            postgresql://db/t?sslmode=verify-ca&sslrootcert=system | sslrootcert=system needs sslmode=verify-full
            postgresql://db/t?sslmode=require&sslcert=c | sslcert and sslkey belong together
            postgresql://db/t?sslmode=allow&sslcert=c&sslkey=k | sslcert and sslkey have no effect
            postgresql://db/t?sslmode=prefer&sslnegotiation=direct | sslnegotiation=direct needs an sslmode
            postgresql://db/t?currentSchema=a&options=-csearch_path=a | both set search_path
            postgresql://db/t?options=secret    | each must be -c name=value or --name=value
            postgresql://db/t?options=-c        | each must be -c name=value or --name=value
            postgresql://db/t?options=-c%20secret | each must be -c name=value or --name=value
            postgresql://db/t?options=-B%205    | each must be -c name=value or --name=value
            postgresql://db/t?options=-cuser=secret | each must be -c name=value or --name=value
            postgresql://db/t?options=--DateStyle=German | datestyle is set by the drivers
            """)
    void refusesWithoutQuotingTheUrl(String url, String message) {
        assertThatThrownBy(() -> parse(url))
                .isInstanceOf(StartupException.class)
                .hasMessageStartingWith("tally.database.url")
                .hasMessageContaining(message)
                .hasMessageNotContaining("secret")
                .hasNoCause();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            sslmode=verify-full&sslrootcert=%s         | missing | sslrootcert must name a readable file
            sslmode=verify-full&sslrootcert=%s         | empty   | sslrootcert must name a readable file
            sslmode=require&sslcert=%s&sslkey=key      | missing | sslcert must name a readable file
            sslmode=require&sslcert=%s&sslkey=key      | empty   | sslcert must name a readable file
            """)
    void refusesFilesThatCannotBeUsed(String parameters, String file, String message, @TempDir Path directory)
            throws Exception {
        Files.writeString(directory.resolve("empty"), "");
        DatabaseUrl url = parse("postgresql://db/tally?" + parameters.formatted(directory.resolve(file)));

        assertThatThrownBy(() -> url.r2dbc(TIMEOUT))
                .isInstanceOf(StartupException.class)
                .hasMessageContaining(message);
        assertThatThrownBy(url::jdbcProperties)
                .isInstanceOf(StartupException.class)
                .hasMessageContaining(message);
    }
}
