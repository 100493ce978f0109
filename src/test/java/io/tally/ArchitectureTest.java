package io.tally;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaAccess;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaMethodCall;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.library.dependencies.SlicesRuleDefinition;
import java.util.Set;
import org.jspecify.annotations.NullMarked;
import org.junit.jupiter.api.Test;
import org.reactivestreams.Publisher;

/** The map of the code, as a test. */
class ArchitectureTest {

    private static final JavaClasses MAIN = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("io.tally");

    @Test
    void dependenciesPointInward() {
        layeredArchitecture()
                .consideringOnlyDependenciesInLayers()
                .withOptionalLayers(true)
                .layer("counter")
                .definedBy("io.tally.counter..")
                .layer("pipeline")
                .definedBy("io.tally.pipeline..")
                .layer("http")
                .definedBy("io.tally.http..")
                .layer("audit")
                .definedBy("io.tally.audit..")
                .layer("postgres")
                .definedBy("io.tally.postgres..")
                .layer("telemetry")
                .definedBy("io.tally.telemetry..")
                .layer("features")
                .definedBy(
                        "io.tally.access..",
                        "io.tally.member..",
                        "io.tally.name..",
                        "io.tally.namespace..",
                        "io.tally.token..",
                        "io.tally.job..",
                        "io.tally.snapshot..",
                        "io.tally.ranking..",
                        "io.tally.period..",
                        "io.tally.watch..",
                        "io.tally.lab..",
                        "io.tally.openapi..")
                .layer("console")
                .definedBy("io.tally.console..")
                .whereLayer("pipeline")
                .mayOnlyBeAccessedByLayers("http", "audit", "features", "postgres", "telemetry", "console")
                .whereLayer("http")
                .mayOnlyBeAccessedByLayers("audit", "features", "console")
                .whereLayer("features")
                .mayOnlyBeAccessedByLayers("console")
                .whereLayer("audit")
                .mayOnlyBeAccessedByLayers("console")
                .whereLayer("console")
                .mayNotBeAccessedByAnyLayer()
                .whereLayer("postgres")
                .mayOnlyBeAccessedByLayers("features", "audit", "console")
                .whereLayer("telemetry")
                .mayOnlyBeAccessedByLayers("http", "audit", "features", "console")
                .check(MAIN);
    }

    @Test
    void packagesHaveNoCycles() {
        SlicesRuleDefinition.slices()
                .matching("io.tally.(*)..")
                .should()
                .beFreeOfCycles()
                .check(MAIN);
    }

    @Test
    void featuresUseNoOtherFeatureButJob() {
        SlicesRuleDefinition.slices()
                .matching("io.tally.(access|audit|job|lab|member|name|namespace|openapi|period|ranking|snapshot|token"
                        + "|watch)..")
                .should()
                .notDependOnEachOther()
                .ignoreDependency(
                        JavaClass.Predicates.resideInAnyPackage("io.tally.lab..", "io.tally.snapshot.."),
                        JavaClass.Predicates.resideInAPackage("io.tally.job.."))
                .check(MAIN);
    }

    @Test
    void onlyFacadesStoresAndBackgroundWorkKnowShards() {
        noClasses()
                .that()
                .resideOutsideOfPackages("io.tally.shard..", "io.tally.postgres..")
                .and()
                .haveNameNotMatching("io\\.tally\\.\\w+\\.(\\w+Configuration|Postgres\\w+)(\\$.*)?")
                .and()
                .doNotHaveFullyQualifiedName("io.tally.pipeline.CounterPipeline")
                .and()
                .doNotHaveFullyQualifiedName("io.tally.pipeline.ShardLanes")
                .and()
                .haveNameNotMatching("io\\.tally\\.(name\\.Names|ranking\\.Rankings|watch\\.Watches|audit\\.Audits)")
                .and()
                .haveNameNotMatching("io\\.tally\\.idempotency\\.(Pruner|KeyScopes|LineKeys)(\\$.*)?")
                .and()
                .haveNameNotMatching("io\\.tally\\.period\\.(Sweeper|SweepMetrics)(\\$.*)?")
                .and()
                .haveNameNotMatching("io\\.tally\\.(audit\\.AuditTelemetry|telemetry\\.PipelineMeters)")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("io.tally.shard..")
                .check(MAIN);
    }

    @Test
    void theVocabularyKnowsOnlyTheJdk() {
        classes()
                .that()
                .resideInAPackage("io.tally.counter..")
                .should()
                .onlyDependOnClassesThat()
                .resideInAnyPackage("io.tally.counter..", "java..", "org.jspecify..")
                .check(MAIN);
    }

    @Test
    void theLaneKnowsNoRequestAndNoOutcome() {
        classes()
                .that()
                .resideInAPackage("io.tally.lane..")
                .should()
                .onlyDependOnClassesThat()
                .resideInAnyPackage(
                        "io.tally.lane..",
                        "java..",
                        "org.jspecify..",
                        "org.slf4j..",
                        "reactor..",
                        "org.springframework..")
                .check(MAIN);
    }

    @Test
    void onlyPostgresSeesR2dbc() {
        noClasses()
                .that()
                .resideOutsideOfPackage("io.tally.postgres..")
                .and()
                .haveNameNotMatching("io\\.tally\\.\\w+\\.(Postgres\\w+|\\w+Sql)(\\$.*)?")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("io.r2dbc..")
                .check(MAIN);
    }

    /** The start is one thread, which has nothing else to do. */
    @Test
    void onlyTheStartBlocks() {
        noClasses()
                .that()
                .haveNameNotMatching("io\\.tally\\.postgres\\.DatabaseStart(\\$.*)?")
                .should()
                .callMethodWhere(publisherCall(
                        "block", "blockOptional", "blockFirst", "blockLast", "toFuture", "toStream", "toIterable"))
                .check(MAIN);
    }

    /** Direct increments have no server below them that would subscribe. */
    @Test
    void onlyTheLaneAndTheServerSubscribe() {
        noClasses()
                .that()
                .haveNameNotMatching("io\\.tally\\.(lane\\.Lane|http\\.server\\.DirectIncrementHandler)(\\$.*)?")
                .should()
                .callMethodWhere(publisherCall("subscribe", "subscribeWith", "connect"))
                .check(MAIN);
    }

    /**
     * PostgreSQL's clock decides on periods and expiry, since the clocks of instances differ. Durations are measured by
     * the monotonic clock.
     */
    @Test
    void whatCountsReadsNoWallClock() {
        noClasses()
                .that()
                .resideInAnyPackage(
                        "io.tally.counter..",
                        "io.tally.lane..",
                        "io.tally.pipeline..",
                        "io.tally.postgres..",
                        "io.tally.member..",
                        "io.tally.period..")
                .and()
                // It passes the clock to SharedScopes, which measures hours since its start.
                .haveNameNotMatching("io\\.tally\\.pipeline\\.PipelineConfiguration")
                .should()
                .accessTargetWhere(DescribedPredicate.describe("a wall clock", ArchitectureTest::isWallClock))
                .check(MAIN);
    }

    private static boolean isWallClock(JavaAccess<?> access) {
        String owner = access.getTargetOwner().getName();
        String method = access.getName();
        return switch (owner) {
            case "java.lang.System" -> method.equals("currentTimeMillis");
            case "java.time.Clock", "java.time.InstantSource", "java.util.Date" -> true;
            default -> owner.startsWith("java.time.") && method.equals("now");
        };
    }

    @Test
    void everyPackageIsNullMarked() {
        classes()
                .should(ArchCondition.from(
                        DescribedPredicate.describe("be in a @NullMarked package", ArchitectureTest::isNullMarked)))
                .check(MAIN);
    }

    private static boolean isNullMarked(JavaClass type) {
        return type.getPackage().isAnnotatedWith(NullMarked.class);
    }

    private static DescribedPredicate<JavaMethodCall> publisherCall(String... names) {
        Set<String> banned = Set.of(names);
        return DescribedPredicate.describe("a call of " + banned + " on a publisher", call -> {
            JavaClass owner = call.getTargetOwner();
            return banned.contains(call.getName()) && owner.isAssignableTo(Publisher.class);
        });
    }
}
