// One counter: its value live, and what the reader may do with it.
import { counterPath, read } from './api.js';
import { addingForm } from './adding.js';
import { boundsView } from './bounds.js';
import { copyButton } from './copy.js';
import { curl } from './curl.js';
import { deletingForm } from './deleting.js';
import { el, fill, write } from './dom.js';
import { boundsForm, valueForm } from './editing.js';
import { duration, int } from './format.js';
import { follow, mayReturn } from './live.js';
import { liveMark } from './livemark.js';
import { membersView } from './members.js';
import { motion, repeat, rest } from './motion.js';
import { periodsView } from './periods.js';
import { problemView } from './problem.js';
import { withQuery } from './query.js';
import { hashOf } from './router.js';
import { seenView } from './seen.js';
import { session } from './session.js';
import { moment } from './time.js';

const ABSENT_WAIT_MS = 5_000;
const CLOCK_SECONDS = 1;

export default {
  title: ([, namespace, name]) => `${name} · ${namespace}`,
  show,
};

function show(content, { segments, signal }) {
  const [, namespace, name] = segments;
  const path = counterPath(namespace, name);
  const heading = el('h1', { tabindex: -1 }, name);
  const mark = liveMark();
  const outcome = el('div');
  const body = el('div', { class: 'screen' });
  let view = null;
  fill(
    content,
    el(
      'p',
      { class: 'crumbs' },
      el('a', { href: hashOf(['counters']) }, 'Counters'),
      el('span', { 'aria-hidden': 'true' }, '/'),
      el('a', { href: hashOf(['counters', namespace]) }, namespace),
    ),
    el(
      'div',
      { class: 'toolbar' },
      heading,
      el('div', { class: 'row' }, mark.element, copyButton('Copy as curl', () => curl(path), 'The request')),
    ),
    outcome,
    body,
  );
  begin();

  /** The stream says nothing while the database is unavailable: the first read has the reason. */
  async function begin() {
    try {
      present(await read(path, signal));
    } catch (failure) {
      if (signal.aborted) {
        return;
      }
      if (failure.type === 'not-found') {
        absent();
      } else {
        fill(outcome, problemView(failure));
        if (!mayReturn(failure)) {
          return;
        }
      }
    }
    watch();
  }

  async function watch() {
    let ended = null;
    while (!signal.aborted) {
      await follow(withQuery(`${path}/events`, { int64: 'string' }), {
        signal,
        onEvent: ({ type, data }) => (type === 'deleted' ? absent() : present(data)),
        onState(state, problem = null) {
          ended = state === 'ended' ? problem : null;
          mark.update(view === null && (state === 'connecting' || state === 'ended') ? 'off' : state, problem);
        },
      });
      if (ended !== null && ended.type !== 'not-found') {
        fill(outcome, problemView(ended));
        return;
      }
      if (!signal.aborted) {
        absent();
        await rest(motion.allowed ? ABSENT_WAIT_MS : Infinity, signal);
      }
    }
  }

  function present(counter) {
    fill(outcome);
    if (view === null || view.kind !== counter.kind) {
      view?.close();
      view = counterView(counter, path, signal);
      showBody(view.element);
    }
    view.update(counter);
  }

  function absent() {
    fill(outcome);
    if (view === null && body.childElementCount > 0) {
      return;
    }
    view?.close();
    view = null;
    showBody(absentView(path));
  }

  /** If the focus was in what goes away, the reader goes on at the heading. */
  function showBody(contents) {
    const hadFocus = body.contains(document.activeElement);
    fill(body, contents);
    if (hadFocus) {
      heading.focus();
    }
  }
}

/** A counter that exists, until it is closed or the signal aborts. */
function counterView(first, path, leaving) {
  const { namespace, name, kind } = first;
  const closing = new AbortController();
  const signal = AbortSignal.any([leaving, closing.signal]);
  const value = el('p', { class: 'value' });
  const bounds = boundsView();
  const facts = factsView();
  const seen = seenView(signal);
  const forms = [];
  if (session.may('write', namespace) && kind === 'plain') {
    forms.push(addingForm(path));
  }
  if (session.may('manage', namespace) && kind === 'plain') {
    forms.push(valueForm(path), boundsForm(path));
  }
  const list = kind === 'members' ? membersView(path, signal) : periodsView(path, signal);
  const listeners = [facts, seen, ...forms, list];
  repeat(facts.tick, CLOCK_SECONDS, signal);
  return {
    kind,
    element: [
      el('section', { class: 'headline', 'aria-label': 'Value' }, value, bounds.element, facts.element),
      seen.element,
      forms.length > 0 && el('div', { class: 'forms' }, forms.map(({ element }) => element)),
      list.element,
      session.may('manage', namespace) && el('div', { class: 'forms' }, deletingForm(path, name)),
    ],

    update(counter) {
      write(value, int(counter.value));
      bounds.update(counter);
      bounds.element.hidden = counter.min === null && counter.max === null;
      listeners.forEach((listener) => listener.update(counter));
    },

    close() {
      closing.abort();
    },
  };
}

/** What is known of the counter besides its value. */
function factsView() {
  const element = el('dl', { class: 'figures' });
  const remaining = el('span');
  let end = null;

  function tick() {
    if (end !== null) {
      write(remaining, `in ${duration((Date.parse(end) - Date.now()) / 1000)}`);
    }
  }

  function update(counter) {
    const { period, expiresAt } = counter;
    end = period?.end ?? null;
    const facts = [
      ['Version', int(counter.version)],
      ['Minimum', counter.min === null ? 'none' : int(counter.min)],
      ['Maximum', counter.max === null ? 'none' : int(counter.max)],
      ['Initial value', int(counter.initial)],
      period && ['Period', `${period.every}, ${period.zone}`],
      period && ['Period ends', [moment(period.end), ' ', remaining]],
      expiresAt && ['Expires', moment(expiresAt)],
      ['Changed', moment(counter.updatedAt)],
      ['Created', moment(counter.createdAt)],
    ].filter(Boolean);
    fill(element, facts.map(([label, contents]) => el('div', {}, el('dt', {}, label), el('dd', {}, contents))));
    tick();
  }

  return { element, update, tick };
}

function absentView(path) {
  const line = curl(`${path}/increments`, { method: 'POST' });
  return el(
    'section',
    { class: 'empty' },
    el('p', {}, 'This counter does not exist. The page shows it as soon as it exists. An increment creates it:'),
    el('pre', { class: 'code' }, line),
    copyButton('Copy as curl', () => line, 'The request'),
  );
}
