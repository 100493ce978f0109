// Lists that belong to a counter, in pages.
import { read } from './api.js';
import { el, fill } from './dom.js';
import { pageButtons } from './listing.js';
import { problemView } from './problem.js';
import { withQuery } from './query.js';

const PAGE_SIZE = 20;

/** At most one read in this time, however often the counter changes. */
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
  let seenRevision = null;
  let pending = false;
  const pages = pageButtons(() => turn(null), () => turn(next));
  const element = el('section', {}, list.element, outcome, pages.element);

  function turn(to) {
    cursor = to;
    load();
  }

  async function load() {
    try {
      const page = await read(withQuery(path, { limit: PAGE_SIZE, cursor }), signal);
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
      if (!signal.aborted) {
        fill(outcome, problemView(problem));
      }
    }
  }

  function update(counter) {
    if (revision(counter) === seenRevision || pending) {
      return;
    }
    const isFirst = seenRevision === null;
    seenRevision = revision(counter);
    if (isFirst) {
      load();
      return;
    }
    pending = true;
    setTimeout(() => {
      pending = false;
      if (!signal.aborted) {
        load();
      }
    }, READ_MS);
  }

  return { element, update };
}
