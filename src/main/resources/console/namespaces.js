// Counters, first step: the namespaces.
import { read } from './api.js';
import { copyButton } from './copy.js';
import { curl } from './curl.js';
import { el, fill } from './dom.js';
import { int } from './format.js';
import { pageButtons, prefixField } from './listing.js';
import { problemView } from './problem.js';
import { withQuery } from './query.js';
import { go, hashOf, replace } from './router.js';
import { table } from './table.js';
import { moment } from './time.js';

const PAGE_SIZE = 50;

const COLUMNS = [
  { label: 'Namespace' },
  { label: 'Counters', numeric: true },
  { label: 'Counted at' },
];

export default {
  title: () => 'Counters',
  show,
};

function show(content, { query, signal }) {
  const list = table('Namespaces', COLUMNS);
  const outcome = el('div');
  const place = (parameters) => hashOf(['counters'], parameters);
  let next = null;
  const filter = prefixField(query.get('prefix') ?? '', (prefix) => replace(place({ prefix })), signal);
  const pages = pageButtons(
    () => go(place({ prefix: query.get('prefix') })),
    () => go(place({ prefix: query.get('prefix'), cursor: next })),
  );
  fill(
    content,
    el('h1', {}, 'Counters'),
    el('div', { class: 'toolbar' }, filter.element, copyButton('Copy as curl', () => curl(path()), 'The request')),
    outcome,
    list.element,
    pages.element,
  );
  load();

  function path() {
    return withQuery('v1/namespaces', {
      limit: PAGE_SIZE,
      prefix: query.get('prefix'),
      cursor: query.get('cursor'),
    });
  }

  async function load() {
    const asked = query;
    try {
      const page = await read(path(), signal);
      if (asked === query) {
        fill(outcome);
        showPage(page);
      }
    } catch (problem) {
      if (!signal.aborted && asked === query) {
        list.empty('–');
        fill(outcome, problemView(problem));
      }
    }
  }

  function showPage(page) {
    next = page.next;
    pages.update({ isFirst: !query.has('cursor'), isLast: next === null });
    if (page.items.length > 0) {
      list.rows(page.items.map(cells));
    } else if (query.get('prefix')) {
      list.empty(`No namespace begins with “${query.get('prefix')}”.`);
    } else {
      list.empty(emptyState());
    }
  }

  return (later) => {
    query = later;
    if (document.activeElement !== filter.input) {
      filter.input.value = query.get('prefix') ?? '';
    }
    load();
  };
}

function cells({ namespace, counters, asOf }) {
  return [
    el('a', { href: hashOf(['counters', namespace]) }, namespace),
    counters === null ? 'not yet' : int(counters),
    moment(asOf),
  ];
}

function emptyState() {
  const line = curl('v1/counters/demo/hits/increments', { method: 'POST' });
  return [
    el('p', {}, 'There are no counters that you may read. The first increment creates one:'),
    el('pre', { class: 'code' }, line),
    copyButton('Copy as curl', () => line, 'The request'),
  ];
}
