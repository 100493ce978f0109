package io.tally.docs;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.commonmark.ext.gfm.tables.TablesExtension;
import org.commonmark.ext.heading.anchor.IdGenerator;
import org.commonmark.node.AbstractVisitor;
import org.commonmark.node.FencedCodeBlock;
import org.commonmark.node.Heading;
import org.commonmark.node.Image;
import org.commonmark.node.Link;
import org.commonmark.node.Node;
import org.commonmark.parser.Parser;
import org.commonmark.renderer.text.TextContentRenderer;

/** A file of Markdown. */
record Markdown(Path file, Node document) {

    private static final Parser PARSER =
            Parser.builder().extensions(List.of(TablesExtension.create())).build();

    /** README, the documentation, the decisions, the runbooks, and what GitHub shows. */
    static List<Markdown> all() throws IOException {
        List<Markdown> found = new ArrayList<>();
        for (String directory : List.of("src/docs", "src/adr", "k8s/runbooks", ".github")) {
            try (Stream<Path> files = Files.walk(Path.of(directory))) {
                files.filter(file -> file.toString().endsWith(".md"))
                        .map(Markdown::read)
                        .forEach(found::add);
            }
        }
        found.add(read(Path.of("README.md")));
        return found;
    }

    static Markdown read(Path file) {
        try {
            return new Markdown(file, PARSER.parse(Files.readString(file)));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The lines of each code block of a kind, such as {@code console}. */
    List<List<String>> codeBlocks(String info) {
        return nodes(FencedCodeBlock.class, block -> block).stream()
                .filter(block -> info.equals(block.getInfo()))
                .map(block -> block.getLiteral().lines().toList())
                .toList();
    }

    /** Where links and images point. */
    List<String> destinations() {
        return Stream.concat(
                        nodes(Link.class, Link::getDestination).stream(),
                        nodes(Image.class, Image::getDestination).stream())
                .toList();
    }

    /** The anchors of headings, as GitHub makes them. */
    Set<String> anchors() {
        IdGenerator ids = IdGenerator.builder().build();
        TextContentRenderer text = TextContentRenderer.builder().build();
        return nodes(Heading.class, text::render).stream()
                .map(heading -> ids.generateId(heading.replace("\"", "").strip()))
                .collect(Collectors.toCollection(HashSet::new));
    }

    private <N extends Node, T> List<T> nodes(Class<N> type, Function<N, T> value) {
        List<T> found = new ArrayList<>();
        document.accept(new AbstractVisitor() {
            @Override
            protected void visitChildren(Node parent) {
                for (Node child = parent.getFirstChild(); child != null; child = child.getNext()) {
                    if (type.isInstance(child)) {
                        found.add(value.apply(type.cast(child)));
                    }
                    visitChildren(child);
                }
            }
        });
        return found;
    }

    @Override
    public String toString() {
        return file.toString();
    }
}
