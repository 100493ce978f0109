// The lab: what other ways of counting lose on this database.
import { change, read } from './api.js';
import { copyButton } from './copy.js';
import { curl } from './curl.js';
import { Attempt, REPLAYED } from './attempt.js';
import { button, el, fill, write } from './dom.js';
import { fieldOf } from './field.js';
import { decimal, int, ungrouped } from './format.js';
import { follow } from './live.js';
import { liveMark } from './livemark.js';
import { lossPicture } from './loss.js';
import { say } from './messages.js';
import { problemView } from './problem.js';
import { session } from './session.js';
import { submitting } from './submitting.js';
import { table } from './table.js';
import { moment } from './time.js';

const STRATEGIES = [
  'read-modify-write',
  'get-or-create-unconstrained',
  'table-lock',
  'row-lock',
  'optimistic',
  'serializable',
  'atomic',
  'upsert',
  'lanes',
];
const ISOLATIONS = ['read-committed', 'repeatable-read', 'serializable'];

const COLUMNS = [
  { label: 'Strategy' },
  { label: 'Isolation', optional: true },
  { label: 'State' },
  { label: 'Acknowledged', numeric: true },
  { label: 'Stored', numeric: true, optional: true },
  { label: 'Lost', numeric: true },
  { label: 'Duplicate rows', numeric: true, optional: true },
  { label: 'Errors', numeric: true, optional: true },
  { label: 'Per second', numeric: true, optional: true },
  { label: 'Started', optional: true },
];

export default {
  title: () => 'Lab',
  show,
};

function show(content, { signal }) {
  if (!session.may('admin')) {
    fill(content, el('h1', {}, 'Lab'), el('p', {}, 'The lab needs the action “admin”.'));
    return;
  }
  const outcome = el('div');
  const current = el('div');
  const list = table('Runs', COLUMNS);
  const path = 'v1/lab/runs';
  fill(
    content,
    el('div', { class: 'toolbar' }, el('h1', {}, 'Lab'), copyButton('Copy as curl', () => curl(path), 'The request')),
    el(
      'p',
      { class: 'warning' },
      'The lab counts in the ways that services use, and shows how many increments each of them loses. It saturates ' +
        'the database: do not run it against production.',
    ),
    outcome,
    el('div', { class: 'columns' }, startForm(path, started), current),
    list.element,
  );
  load(true);

  /** Reads the runs; one that is running is shown as it runs. */
  async function load(first) {
    try {
      const { items } = await read(path, signal);
      fill(outcome);
      if (items.length === 0) {
        list.empty('There are no runs yet.');
      } else {
        list.rows(items.map(cells));
      }
      if (first && items.length > 0) {
        watch(items[0]);
      }
    } catch (problem) {
      if (!signal.aborted) {
        list.empty('–');
        fill(outcome, problem.type === 'not-found' ? notEnabled() : problemView(problem));
      }
    }
  }

  function started(run) {
    watch(run);
    load(false);
  }

  function watch(run) {
    const view = runView(`${path}/${run.id}`);
    fill(current, view.element);
    view.update(run);
    if (isOver(run)) {
      return;
    }
    follow(`${path}/${run.id}?int64=string`, {
      signal,
      onState: view.mark,
      onEvent({ data }) {
        view.update(data);
        if (isOver(data)) {
          say(`The run is ${data.state}.`);
          load(false);
        }
        return isOver(data);
      },
    });
  }
}

function notEnabled() {
  return el('p', {}, 'The lab is not enabled here: ', el('code', {}, 'TALLY_LAB_ENABLED=true'), ' enables it.');
}

function isOver({ state }) {
  return state !== 'running';
}

function startForm(path, whenStarted) {
  const attempt = new Attempt();
  const strategy = fieldOf('Strategy', { options: STRATEGIES });
  const isolation = fieldOf('Isolation', { options: ISOLATIONS });
  const workers = fieldOf('Workers', { inputmode: 'numeric', hint: 'Empty for 16.' });
  const increments = fieldOf('Increments', { inputmode: 'numeric', hint: 'By all workers. Empty for 10,000.' });
  const counters = fieldOf('Counters', { inputmode: 'numeric', hint: 'Empty for 1.' });
  const numbers = { workers, increments, counters };
  const outcome = el('div');
  return el(
    'form',
    { class: 'card', novalidate: true, onsubmit: submitting(submit) },
    el('h2', {}, 'New run'),
    strategy.element,
    isolation.element,
    el('div', { class: 'trio' }, Object.values(numbers).map(({ element }) => element)),
    el('p', {}, el('button', { class: 'primary' }, 'Start run')),
    outcome,
  );

  async function submit() {
    fill(outcome);
    const body = { strategy: strategy.input.value, isolation: isolation.input.value };
    for (const [name, { input }] of Object.entries(numbers)) {
      const text = ungrouped(input.value);
      if (text !== '') {
        // The API says what is wrong with a text that is no number.
        body[name] = /^\d{1,9}$/.test(text) ? Number(text) : text;
      }
    }
    try {
      const run = await attempt.send('POST', path, { body });
      say(attempt.wasReplayed ? REPLAYED : 'The run has started.');
      whenStarted(run);
    } catch (problem) {
      fill(outcome, problemView(problem));
    }
  }
}

/** A run: its progress, then what it lost. */
function runView(path) {
  const heading = el('h2');
  const mark = liveMark();
  const progress = el('progress', { 'aria-label': 'Progress of the run' });
  const words = el('p');
  const picture = el('div');
  const outcome = el('div');
  const stop = button('Stop run', stopRun, { class: 'danger' });
  const element = el(
    'section',
    { class: 'card', 'aria-label': 'The last run' },
    el('div', { class: 'toolbar' }, heading, mark.element),
    progress,
    words,
    picture,
    el('p', {}, stop),
    outcome,
  );

  async function stopRun() {
    try {
      await change('DELETE', path);
      say('The run stops.');
    } catch (problem) {
      fill(outcome, problemView(problem));
    }
  }

  return {
    element,
    mark: (state, problem) => mark.update(state, problem),

    update(run) {
      const { strategy, isolation, workers, done, increments, state, stopping, result, problem } = run;
      write(heading, `${strategy}, ${isolation}, ${workers} workers`);
      progress.max = Number(increments);
      progress.value = Number(done);
      progress.hidden = isOver(run);
      stop.parentElement.hidden = isOver(run);
      write(words, `${int(done)} of ${int(increments)} increments: ${stopping && !isOver(run) ? 'stopping' : state}.`);
      if (isOver(run)) {
        mark.update('off');
        fill(picture, result !== null && lossPicture(result), problem && el('p', { class: 'error' }, problem));
      }
    },
  };
}

function cells({ strategy, isolation, state, result, startedAt }) {
  const numbers =
    result === null
      ? ['–', '–', '–', '–', '–', '–']
      : [
          int(result.acknowledged),
          int(result.stored),
          BigInt(result.lost) === 0n ? '0' : el('strong', { class: 'lost' }, int(result.lost)),
          int(result.duplicateRows),
          int(result.errors),
          decimal(result.perSecond),
        ];
  return [strategy, isolation, state, ...numbers, moment(startedAt)];
}
