package io.tally.access;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.springframework.context.annotation.Condition;
import org.springframework.context.annotation.ConditionContext;
import org.springframework.context.annotation.Conditional;
import org.springframework.core.type.AnnotatedTypeMetadata;

/** Active only if the access mode has keys: a key that was made while everything was open must not open it later. */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@Documented
@Conditional(ConditionalOnKeys.HasKeys.class)
@interface ConditionalOnKeys {

    /** Whether the access mode has keys. */
    final class HasKeys implements Condition {

        @Override
        public boolean matches(ConditionContext context, AnnotatedTypeMetadata metadata) {
            return AccessMode.of(context.getEnvironment().getProperty(AccessMode.KEY))
                    .hasKeys();
        }
    }
}
