// Lists that belong to a counter, in pages.
import { read } from './api.js';
import { el, fill } from './dom.js';
import { pageButtons } from './listing.js';
import { restUntilMoving } from './motion.js';
import { problemView } from './problem.js';
import { withQuery } from './query.js';

const PAGE_SIZE = 20;

/** At most one read of the changes in this time, however often the counter changes. */
const READ_MS = 2_000;

/**
 * A list that is read again when the counter is at another revision.
 *
 * @param {function(object): string} revision of a counter's state
 */
export function pagedView({ path, list, cells, none, revision, signal }) {
  const outcome = el('div');
  let cursor = null;
  let next = null;
  let latestRevision = null;
  let readRevision = null;
  let isFollowing = false;

  /** Ends the last load, so that its response does not replace that of a later one. */
  let loading = new AbortController();
  const pages = pageButtons(() => turn(null), () => turn(next));
  const element = el('section', {}, list.element, outcome, pages.element);

  function turn(to) {
    cursor = to;
    load();
  }

  async function load() {
    loading.abort();
    loading = new AbortController();
    const current = AbortSignal.any([signal, loading.signal]);
    try {
      const page = await read(withQuery(path, { limit: PAGE_SIZE, cursor }), current);
      fill(outcome);
      next = page.next;
      if (page.items.length === 0) {
        list.empty(none);
      } else {
        list.rows(page.items.map(cells));
      }
      pages.update({ isFirst: cursor === null, isLast: next === null });
      pages.element.hidden = cursor === null && next === null;
    } catch (problem) {
      if (!current.aborted) {
        fill(outcome, problemView(problem));
      }
    }
  }

  function update(counter) {
    latestRevision = revision(counter);
    if (!isFollowing) {
      followCounter();
    }
  }

  /** Reads the list until it is at the latest revision. */
  async function followCounter() {
    isFollowing = true;
    try {
      while (readRevision !== latestRevision && !signal.aborted) {
        readRevision = latestRevision;
        await load();
        await restUntilMoving(READ_MS, signal);
      }
    } finally {
      isFollowing = false;
    }
  }

  return { element, update };
}
