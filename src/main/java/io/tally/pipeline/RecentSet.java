package io.tally.pipeline;

import java.util.LinkedHashMap;
import java.util.Map;

/** A bounded set that evicts the least recently used element. For one thread at a time. */
final class RecentSet<E> {

    private final Map<E, Boolean> elements;

    RecentSet(int max) {
        elements = new LinkedHashMap<>(16, 0.75f, true) {
            private static final long serialVersionUID = 1L;

            @Override
            protected boolean removeEldestEntry(Map.Entry<E, Boolean> eldest) {
                return size() > max;
            }
        };
    }

    void add(E element) {
        elements.put(element, true);
    }

    void clear() {
        elements.clear();
    }

    void remove(E element) {
        elements.remove(element);
    }

    /** Whether the set contains an element; counts as a use. */
    boolean contains(E element) {
        return !elements.isEmpty() && elements.get(element) != null;
    }
}
