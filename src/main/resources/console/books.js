// The start: whether the books are right, and how this Tally does.
import { change, read } from './api.js';
import { button, el, fill, write } from './dom.js';
import { ago, duration, int, signed, span } from './format.js';
import { say } from './messages.js';
import { repeat } from './motion.js';
import { showProblem } from './problem.js';
import { Rates } from './rates.js';
import { hashOf } from './router.js';
import { session } from './session.js';
import { row, table } from './table.js';
import { moment } from './time.js';
import { Audits, verdict } from './verdict.js';

const STATUS_SECONDS = 5;
const AGE_SECONDS = 1;

const LANES = [
  { label: 'Lane' },
  { label: 'Queued', numeric: true },
  { label: 'Age of the batch', numeric: true },
];
const REQUESTS = [
  { label: 'Operations' },
  { label: 'Last minute', numeric: true },
  { label: 'Since the start', numeric: true },
];
const JOBS = [
  { label: 'Job' },
  { label: 'Namespace' },
  { label: 'Progress', numeric: true },
  { label: 'Started', optional: true },
];
const SHARDS = [
  { label: 'Shard' },
  { label: 'Drift', numeric: true },
  { label: 'Lost', numeric: true },
  { label: 'Audited', optional: true },
];

export default {
  title: () => 'Books',
  show,
};

function show(content, { signal }) {
  if (!session.may('read')) {
    fill(content, el('h1', {}, 'Books'), el('p', {}, 'The books need the action “read” in all namespaces.'));
    return;
  }
  const rates = new Rates();
  const outcome = el('div');
  const state = verdictView(refresh);
  const lanes = table('Lanes', LANES);
  const requests = table('Requests', REQUESTS);
  const jobs = jobsView();
  const shards = table('Shards', SHARDS);
  const instance = el('p', { class: 'hint' });
  shards.element.hidden = true;
  fill(
    content,
    el('h1', {}, 'Books'),
    outcome,
    state.element,
    shards.element,
    el('div', { class: 'columns' }, lanes.element, requests.element),
    jobs.element,
    instance,
  );
  repeat(refresh, STATUS_SECONDS, signal);
  repeat(state.tick, AGE_SECONDS, signal);

  async function refresh() {
    try {
      const status = await read('console/status', signal);
      fill(outcome);
      state.setClock(status.now);
      state.update(status.instance, status.audit, status.auditIntervalSeconds);
      showStatus(status);
    } catch (problem) {
      if (!signal.aborted) {
        showProblem(outcome, problem);
      }
    }
  }

  function showStatus(status) {
    const recent = rates.add(status.instance, status.startedAt, status.requests);
    lanes.rows(status.lanes.map(laneCells));
    requests.rows(requestCells(status.requests, recent));
    jobs.update(status.jobs);
    showShards(state.audit?.shards ?? []);
    fill(
      instance,
      `Answered by ${status.instance}`,
      status.instances > 1 ? `, one of ${int(status.instances)} instances` : '',
      `, version ${status.version}, started `,
      moment(status.startedAt),
      '.',
    );
  }

  function showShards(audits) {
    shards.element.hidden = audits.length < 2;
    shards.rows(
      audits.map((audit) => [`Shard ${audit.shard}`, signed(audit.drift), int(audit.lostOperations), moment(audit.at)]),
    );
  }
}

/**
 * The audit that decides: in words, in colour and with a sign.
 *
 * @param {function(): Promise<void>} refresh reads the status
 */
function verdictView(refresh) {
  const sign = el('span', { class: 'sign', 'aria-hidden': 'true' });
  const title = el('p', { class: 'verdict-title' });
  const text = el('p', {});
  const figures = ['Drift', 'Lost operations', 'Sum of the counters', 'Sum of the changes', 'Audited', 'Took'].map(
    (label) => ({ label, value: el('dd') }),
  );
  const element = el(
    'section',
    { class: 'verdict', 'aria-label': 'The last audit' },
    el('div', { class: 'verdict-head' }, sign, el('div', {}, title, text), session.may('admin') && checkButton()),
    el('dl', { class: 'figures' }, figures.map(({ label, value }) => el('div', {}, el('dt', {}, label), value))),
  );
  const audits = new Audits();
  let intervalSeconds;
  let readerAheadMillis = 0;

  function checkButton() {
    return button('Check now', check, { class: 'primary' });
  }

  async function check(event) {
    const control = event.currentTarget;
    if (control.getAttribute('aria-disabled') === 'true') {
      return;
    }
    control.setAttribute('aria-disabled', 'true');
    say('The audit runs.');
    try {
      update(null, await change('POST', 'v1/audits'), intervalSeconds ?? 60);
      // The status names the instance.
      await refresh();
      say(`${title.textContent}.`);
    } catch (problem) {
      say(`The audit failed. ${problem.message}`);
    } finally {
      control.removeAttribute('aria-disabled');
    }
  }

  /** Ages are by Tally's clock: the reader's may be minutes ahead, and would make an audit look late. */
  function setClock(now) {
    readerAheadMillis = Date.now() - Date.parse(now);
  }

  function update(instance, next, seconds) {
    audits.add(instance, next);
    intervalSeconds = Number(seconds);
    const audit = shown();
    const values =
      audit === null
        ? figures.map(() => '–')
        : [
            signed(audit.drift),
            int(audit.lostOperations),
            int(audit.counterSum),
            int(audit.writerSum),
            null,
            span(audit.seconds),
          ];
    figures.forEach(({ value }, i) => values[i] === null || write(value, values[i]));
    tick();
  }

  function shown() {
    return audits.worst?.audit ?? null;
  }

  /** Only the age changes between two audits. */
  function tick() {
    if (intervalSeconds === undefined) {
      return;
    }
    const audit = shown();
    const nowMillis = Date.now() - readerAheadMillis;
    const now = verdict(audits.worst, intervalSeconds, nowMillis);
    element.dataset.tone = now.tone;
    write(sign, now.sign);
    write(title, now.title);
    write(text, now.runbook === null ? now.text : `${now.text} Runbook: k8s/runbooks/${now.runbook}.md.`);
    if (audit !== null) {
      write(figures[4].value, ago(audit.at, nowMillis));
    }
  }

  return {
    element,
    setClock,
    update,
    tick,

    /** The audit that is shown; null before the first one. */
    get audit() {
      return shown();
    },
  };
}

function laneCells({ name, queued, queueMax, batchAgeSeconds }) {
  return [
    name,
    `${int(queued)} of ${int(queueMax)}`,
    batchAgeSeconds === null || Number(batchAgeSeconds) === 0 ? 'idle' : span(Number(batchAgeSeconds)),
  ];
}

function requestCells(totals, recent) {
  return ['handled', 'refused', 'failed'].map((name) => [
    name[0].toUpperCase() + name.slice(1),
    recent === null ? '–' : `${int(recent[name])} in ${duration(recent.seconds)}`,
    int(totals[name]),
  ]);
}

/** The running jobs. The row of a job stays until the job ends: its link may have the focus. */
function jobsView() {
  const list = table('Jobs', JOBS);
  const rows = new Map();

  function update(running) {
    const ids = new Set(running?.map(({ id }) => id));
    for (const [id, { element }] of rows) {
      if (!ids.has(id)) {
        element.remove();
        rows.delete(id);
      }
    }
    if (running === null) {
      list.empty('The database is unavailable: the running jobs are not known.');
    } else if (running.length === 0) {
      list.empty('No job is running.');
    } else {
      show(running);
    }
  }

  function show(running) {
    if (rows.size === 0) {
      fill(list.body);
    }
    running.forEach((job, i) => {
      if (!rows.has(job.id)) {
        const next = jobRow(job);
        rows.set(job.id, next);
        list.body.insertBefore(next.element, list.body.children[i] ?? null);
      }
      rows.get(job.id).update(job);
    });
  }

  return { element: list.element, update };
}

function jobRow({ kind, namespace, startedAt }) {
  const progress = el('span');
  const link = el('a', { href: hashOf(['counters', namespace]) }, namespace);
  return {
    element: row(JOBS, [kind, link, progress, moment(startedAt)]),

    update({ done, total }) {
      write(progress, total === null ? int(done) : `${int(done)} of ${int(total)}`);
    },
  };
}
