package io.tally.postgres;

import io.tally.StartupException;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationPropertiesBindHandlerAdvisor;
import org.springframework.boot.context.properties.bind.AbstractBindHandler;
import org.springframework.boot.context.properties.bind.BindContext;
import org.springframework.boot.context.properties.bind.BindHandler;
import org.springframework.boot.context.properties.bind.Bindable;
import org.springframework.boot.context.properties.source.ConfigurationProperty;
import org.springframework.boot.context.properties.source.ConfigurationPropertyName;
import org.springframework.boot.env.OriginTrackedMapPropertySource;

/**
 * Binds user names and passwords of databases, and root keys, literally: Spring would replace <code>${…}</code> in
 * them. In files such as {@code application.yml}, Spring still replaces them, so that a value can refer to another
 * setting.
 */
final class LiteralCredentials implements ConfigurationPropertiesBindHandlerAdvisor {

    private static final Set<ConfigurationPropertyName> CREDENTIALS = names(
            "tally.database.username",
            "tally.database.password",
            "spring.flyway.user",
            "spring.flyway.password",
            "tally.access.root-key");

    /** These may contain a password by mistake. */
    private static final Set<ConfigurationPropertyName> URLS = names("tally.database.url", "spring.flyway.url");

    @Override
    public BindHandler apply(BindHandler handler) {
        return new Handler(handler);
    }

    private static Set<ConfigurationPropertyName> names(String... names) {
        return Set.of(names).stream().map(ConfigurationPropertyName::of).collect(Collectors.toUnmodifiableSet());
    }

    private static final class Handler extends AbstractBindHandler {

        private Handler(BindHandler parent) {
            super(parent);
        }

        @Override
        public @Nullable Object onSuccess(
                ConfigurationPropertyName name, Bindable<?> target, BindContext context, Object result) {
            String literal = literal(name, context);
            return literal == null ? super.onSuccess(name, target, context, result) : literal;
        }

        /** Replaces the failure of a placeholder, whose message quotes the value. */
        @Override
        public @Nullable Object onFailure(
                ConfigurationPropertyName name, Bindable<?> target, BindContext context, Exception error)
                throws Exception {
            String literal = literal(name, context);
            if (literal != null) {
                return literal;
            }
            if (CREDENTIALS.contains(name) || URLS.contains(name)) {
                throw new StartupException(
                        name + " has a placeholder that cannot be resolved.",
                        "Define the property that the placeholder names, or remove the placeholder.");
            }
            return super.onFailure(name, target, context, error);
        }

        private static @Nullable String literal(ConfigurationPropertyName name, BindContext context) {
            ConfigurationProperty property = context.getConfigurationProperty();
            if (property == null || !CREDENTIALS.contains(name) || isFromFile(property)) {
                return null;
            }
            return property.getValue().toString();
        }

        /** Whether the value is from a file of settings, not from a variable, an argument or a config tree. */
        private static boolean isFromFile(ConfigurationProperty property) {
            return property.getSource() != null
                    && property.getSource().getUnderlyingSource() instanceof OriginTrackedMapPropertySource;
        }
    }
}
