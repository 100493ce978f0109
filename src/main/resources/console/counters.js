// Counters, second step: the counters of a namespace.
import { counterPath, read } from './api.js';
import { boundsView } from './bounds.js';
import { copyButton } from './copy.js';
import { curl } from './curl.js';
import { button, el, fill, write } from './dom.js';
import { int, signed, span } from './format.js';
import { pageButtons, prefixField } from './listing.js';
import { follow } from './live.js';
import { liveMark } from './livemark.js';
import { say } from './messages.js';
import { restUntilMoving } from './motion.js';
import { showProblem } from './problem.js';
import { withQuery } from './query.js';
import { go, hashOf, replace } from './router.js';
import { row, table } from './table.js';
import { moment, timeOfDay } from './time.js';

const PAGE_SIZE = 50;

/** Tally takes request lines of 4 KB; proxies add to them. */
const STREAM_PATH_MAX = 3_500;

/** The columns that sort, by the name of the order. */
const LABELS = { name: 'Name', value: 'Value', growth: 'Growth' };

/** URLs cannot have these names: browsers take them for directories. */
const UNREACHABLE = ['.', '..'];

export default {
  title: ([, namespace]) => namespace,
  show,
};

function show(content, { segments, query, signal }) {
  const [, namespace] = segments;
  let page = { items: [], next: null };
  let rows = new Map();
  let leaving = new AbortController();
  const columns = [
    { label: LABELS.name, onsort: () => sortBy('name') },
    { label: LABELS.value, numeric: true, onsort: () => turn('value') },
    { label: 'Bounds' },
    { label: LABELS.growth, numeric: true, optional: true, onsort: () => turn('growth') },
    { label: 'Changed', optional: true },
  ];
  const list = table(`Counters of ${namespace}`, columns);
  const outcome = el('div');
  const order = el('p', { class: 'hint' });
  const mark = liveMark();
  const live = button('Live', () => go(place({ live: isLive() ? null : '1', cursor: query.get('cursor') })), {
    'aria-pressed': 'false',
  });
  const filter = prefixField(
    query.get('prefix') ?? '',
    (prefix) => {
      if (prefix !== '' && sort() !== 'name') {
        say('Sorted by name, since only this order has a filter.');
      }
      replace(place({ prefix, sort: prefix === '' ? query.get('sort') : null }));
    },
    signal,
  );
  const pages = pageButtons(
    () => go(place({})),
    () => go(place({ cursor: page.next })),
  );
  fill(
    content,
    el('p', { class: 'crumbs' }, el('a', { href: hashOf(['counters']) }, 'Counters')),
    el('h1', {}, namespace),
    el(
      'div',
      { class: 'toolbar' },
      filter.element,
      el('div', { class: 'row' }, live, copyButton('Copy as curl', () => curl(path()), 'The request'), mark.element),
    ),
    outcome,
    list.element,
    order,
    pages.element,
  );
  update(query);

  function update(later) {
    query = later;
    leaving.abort();
    leaving = new AbortController();
    mark.update('off');
    if (document.activeElement !== filter.input) {
      filter.input.value = query.get('prefix') ?? '';
    }
    live.setAttribute('aria-pressed', String(isLive()));
    list.sorted(LABELS[sort().replace('-', '')], sort().startsWith('-') ? 'descending' : 'ascending');
    load(AbortSignal.any([signal, leaving.signal]));
  }

  // ---- the place

  function sort() {
    return query.get('sort') ?? 'name';
  }

  function isLive() {
    return query.get('live') === '1';
  }

  /** The place with other parameters; a new order or filter begins at the first page. */
  function place(other) {
    return hashOf(segments, {
      prefix: query.get('prefix'),
      sort: query.get('sort'),
      live: query.get('live'),
      ...other,
    });
  }

  function path() {
    return withQuery(counterPath(namespace), {
      sort: sort(),
      limit: PAGE_SIZE,
      prefix: query.get('prefix'),
      cursor: query.get('cursor'),
    });
  }

  /** The largest first; a second click turns the order round. */
  function turn(name) {
    sortBy(sort() === `-${name}` ? name : `-${name}`);
  }

  function sortBy(next) {
    if (next !== 'name' && query.get('prefix')) {
      say('The filter was removed, since only the order by name has one.');
    }
    filter.input.value = next === 'name' ? filter.input.value : '';
    go(place({ sort: next === 'name' ? null : next, prefix: next === 'name' ? query.get('prefix') : null }));
  }

  // ---- the page

  async function load(current) {
    content.setAttribute('aria-busy', 'true');
    try {
      page = await read(path(), current);
      fill(outcome);
      showPage();
      followPage(current);
    } catch (problem) {
      if (!current.aborted) {
        await showFailure(problem, current);
      }
    } finally {
      if (!current.aborted) {
        content.removeAttribute('aria-busy');
      }
    }
  }

  /** A large namespace has no order by value before its first pass: the page asks again. */
  async function showFailure(problem, current) {
    showProblem(outcome, problem);
    list.empty('–');
    fill(order);
    pages.update({ isFirst: false, isLast: true });
    if (problem.type === 'list-pending') {
      await restUntilMoving((problem.retryAfterSeconds ?? 1) * 1000, current);
      if (!current.aborted) {
        load(current);
      }
    }
  }

  function showPage() {
    pages.update({ isFirst: !query.has('cursor'), isLast: page.next === null });
    rows = new Map(page.items.map((counter) => [counter.name, rowOf(counter)]));
    fill(list.body, [...rows.values()].map(({ element }) => element));
    if (rows.size === 0) {
      list.empty(emptyState());
    }
    fill(order, orderWords());
  }

  function orderWords() {
    if (page.asOf === undefined) {
      return ['Read at ', timeOfDay(new Date().toISOString()), '.'];
    }
    return ['Order as of ', timeOfDay(page.asOf), `, ${span(page.lagSeconds)} before the page was read.`];
  }

  function rowOf(counter) {
    const value = el('span');
    const bounds = boundsView();
    const growth = el('span');
    const changed = el('span');
    const name = UNREACHABLE.includes(counter.name)
      ? counter.name
      : el('a', { href: hashOf(['counters', namespace, counter.name]) }, counter.name);
    const { snapshotValue } = counter;
    update(counter);

    function update(state) {
      write(value, int(state.value));
      bounds.update(state);
      write(growth, snapshotValue === null ? '–' : signed(BigInt(state.value) - BigInt(snapshotValue)));
      fill(changed, moment(state.updatedAt));
    }

    return {
      element: row(columns, [name, value, bounds.element, growth, changed]),
      update,

      /** The row stays, so that the others do not move under the reader. */
      remove() {
        write(value, 'deleted');
      },
    };
  }

  function emptyState() {
    if (query.get('prefix')) {
      return `No counter of ${namespace} begins with “${query.get('prefix')}”.`;
    }
    const line = curl(`${counterPath(namespace, 'hits')}/increments`, { method: 'POST' });
    return [
      el('p', {}, `There are no counters in ${namespace}. The first increment creates one:`),
      el('pre', { class: 'code' }, line),
      copyButton('Copy as curl', () => line, 'The request'),
    ];
  }

  // ---- live

  function followPage(current) {
    if (!isLive() || rows.size === 0) {
      return;
    }
    const watched = streamPath([...rows.keys()]);
    follow(watched.path, {
      signal: current,
      onState: (state, problem) => mark.update(state, problem, watched.words),
      onEvent({ type, data }) {
        const shown = rows.get(data.name);
        if (type === 'deleted') {
          shown?.remove();
        } else {
          shown?.update(data);
        }
      },
    });
  }

  /** The stream of as many counters as one request can name. */
  function streamPath(names) {
    const pathOf = (count) =>
      withQuery(`${counterPath(namespace)}/events`, { int64: 'string', name: names.slice(0, count) });
    let count = names.length;
    while (pathOf(count).length > STREAM_PATH_MAX) {
      count -= 1;
    }
    const words = count === names.length ? '' : `the first ${count} of ${names.length}, whose names fit`;
    return { path: pathOf(count), words };
  }

  return update;
}
