// Access keys: create, rotate, revoke. The secret of a key is shown once and is nowhere else.
import { change, read } from './api.js';
import { copyButton } from './copy.js';
import { curl } from './curl.js';
import { confirm, show as showDialog } from './dialog.js';
import { button, el, fill } from './dom.js';
import { fieldOf } from './field.js';
import { int } from './format.js';
import { keyForm } from './keyform.js';
import { pageButtons } from './listing.js';
import { say } from './messages.js';
import { problemView } from './problem.js';
import { withQuery } from './query.js';
import { go, hashOf } from './router.js';
import { session } from './session.js';
import { table } from './table.js';
import { moment } from './time.js';

const PAGE_SIZE = 50;

/** The default of the API. */
const GRACE_SECONDS = 86_400;

const COLUMNS = [
  { label: 'Name' },
  { label: 'Grants' },
  { label: 'Per second', numeric: true, optional: true },
  { label: 'Last used' },
  { label: 'Expires', optional: true },
  { label: 'Actions' },
];

export default {
  title: () => 'Keys',
  show,
};

function show(content, { query, signal }) {
  if (!session.may('admin')) {
    fill(content, el('h1', {}, 'Keys'), el('p', {}, 'Access keys need the action “admin”.'));
    return;
  }
  const heading = el('h1', { tabindex: -1 }, 'Keys');
  const outcome = el('div');
  const secrets = el('div', { class: 'stack' });
  const list = table('Keys', COLUMNS);
  let next = null;

  /** Ends the last load, so that its response does not replace that of a later one. */
  let loading = new AbortController();
  const pages = pageButtons(
    () => go(hashOf(['keys'])),
    () => go(hashOf(['keys'], { cursor: next })),
  );
  const create = keyForm((created) => {
    showSecret(created, 'The key was created.');
    load();
  });
  fill(
    content,
    el(
      'div',
      { class: 'toolbar' },
      heading,
      copyButton('Copy as curl', () => curl(path()), 'The request'),
    ),
    outcome,
    secrets,
    list.element,
    pages.element,
    create,
  );
  load();

  function path() {
    return withQuery('v1/keys', { limit: PAGE_SIZE, cursor: query.get('cursor') });
  }

  async function load() {
    loading.abort();
    loading = new AbortController();
    const current = AbortSignal.any([signal, loading.signal]);
    try {
      const page = await read(path(), current);
      fill(outcome);
      next = page.next;
      pages.update({ isFirst: !query.has('cursor'), isLast: next === null });
      if (page.items.length === 0) {
        list.empty('There are no access keys. The form below creates one.');
      } else {
        list.rows(page.items.map(cells));
      }
    } catch (problem) {
      if (current.aborted) {
        return;
      }
      if (problem.type === 'not-found') {
        fill(content, el('h1', {}, 'Keys'), notHere());
      } else {
        list.empty('–');
        fill(outcome, problemView(problem));
      }
    }
  }

  function cells(key) {
    const { name, grants, perSecond, lastUsedAt, expiresAt, revokedAt } = key;
    const isOver = revokedAt !== null || (expiresAt !== null && Date.parse(expiresAt) <= Date.now());
    return [
      [name, el('div', { class: 'hint' }, key.id), isOver && el('div', {}, endOf(key))],
      grants.map((grant) => el('div', {}, grantWords(grant))),
      perSecond === null ? 'no limit' : int(perSecond),
      lastUsedAt === null ? 'never' : moment(lastUsedAt),
      expiresAt === null ? 'never' : moment(expiresAt),
      isOver
        ? ''
        : el(
            'div',
            { class: 'row' },
            button('Rotate', () => rotate(key), { 'aria-description': `Key ${name}, ${key.id}` }),
            button('Revoke', () => revoke(key), { class: 'danger', 'aria-description': `Key ${name}, ${key.id}` }),
          ),
    ];
  }

  async function rotate(key) {
    const grace = fieldOf('Grace in seconds', {
      type: 'number',
      min: 0,
      max: 2_592_000,
      value: GRACE_SECONDS,
      hint: 'The old secret works for this long. 0 ends it at once.',
    });
    const contents = [el('p', {}, 'The key gets a new secret.'), grace.element];
    const send = () =>
      change('POST', `v1/keys/${key.id}/rotation`, { body: { graceSeconds: Number(grace.input.value) } });
    const rotated = await confirm(`Rotate ${key.name}`, contents, 'Rotate', send, signal);
    if (rotated !== undefined) {
      showSecret(rotated, 'The key has a new secret.');
      load();
    }
  }

  async function revoke(key) {
    const words = 'Every instance refuses the key within five seconds. This cannot be undone.';
    const send = () => change('DELETE', `v1/keys/${key.id}`);
    const revoked = await confirm(`Revoke ${key.name}`, [el('p', {}, words)], 'Revoke', send, signal);
    if (revoked !== undefined) {
      say(`${key.name} is revoked.`);
      await load();
      heading.focus();
    }
  }

  function showSecret({ name, key }, words) {
    say(`${words} It is shown this once.`);
    const title = `The secret of ${name}`;
    const text = [
      el('p', {}, 'Copy it now: Tally stores its hash only, and shows it this once.'),
      el('pre', { class: 'code' }, key),
    ];
    const copy = copyButton('Copy key', () => key, 'The key');
    if (signal.aborted) {
      // The reader has left the screen before the response arrived.
      showDialog(title, [text, el('p', {}, copy)]);
      return;
    }
    const titleElement = el('h2', { tabindex: -1 }, title);
    const hide = button('Hide', () => {
      card.remove();
      heading.focus();
    });
    const card = el('section', { class: 'card secret' }, titleElement, text, el('div', { class: 'row' }, copy, hide));
    secrets.append(card);
    titleElement.focus();
  }

  return (later) => {
    query = later;
    load();
  };
}

function notHere() {
  return el('p', {}, 'Access keys are off here: ', el('code', {}, 'TALLY_ACCESS_MODE=keys'), ' switches them on.');
}

function grantWords({ namespaces, actions }) {
  return `${actions.join(', ')} in ${namespaces.includes('*') ? 'all namespaces' : namespaces.join(', ')}`;
}

/** Why a key does not work any more. */
function endOf({ revokedAt, expiresAt }) {
  return revokedAt === null ? ['Expired ', moment(expiresAt)] : ['Revoked ', moment(revokedAt)];
}
