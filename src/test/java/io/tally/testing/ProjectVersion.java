package io.tally.testing;

import java.nio.file.Path;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.xpath.XPathFactory;
import org.w3c.dom.Document;

/** The version in {@code pom.xml}, which is the only place that sets it. */
public final class ProjectVersion {

    private ProjectVersion() {}

    /** The release that the version is, or leads up to: without {@code -SNAPSHOT}. */
    public static String release() throws Exception {
        Document pom = DocumentBuilderFactory.newInstance()
                .newDocumentBuilder()
                .parse(Path.of("pom.xml").toFile());
        return XPathFactory.newInstance()
                .newXPath()
                .evaluate("/project/version", pom)
                .replaceFirst("-SNAPSHOT$", "");
    }
}
