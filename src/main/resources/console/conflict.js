// What a form shows when another client changed the counter first: both states, beside what the reader typed.
import { el } from './dom.js';
import { int } from './format.js';

const HEAD = ['Before', 'Yours', 'Now'];

/**
 * The view of a conflict.
 *
 * @param {Array<{label: string, member: string, yours: string}>} fields the members, and what the reader typed
 * @param {object} began the state at which the reader began to type
 * @param {object} now the current state
 * @param {...Node} further what the reader may do
 */
export function conflictView(fields, began, now, ...further) {
  const rows = fields.map(({ label, member, yours }) => [
    label,
    shown(began[member]),
    yours,
    shown(now[member]),
  ]);
  rows.push(['Version', int(began.version), '–', int(now.version)]);
  return el(
    'section',
    { class: 'problem', role: 'alert' },
    el('p', { class: 'problem-title' }, el('strong', {}, 'Another client changed the counter')),
    el(
      'table',
      {},
      el('caption', {}, 'Yours and theirs'),
      el('thead', {}, el('tr', {}, el('td'), HEAD.map((text) => el('th', { scope: 'col', class: 'number' }, text)))),
      el('tbody', {}, rows.map(row)),
    ),
    ...further,
  );
}

function row([label, ...texts]) {
  return el('tr', {}, el('th', { scope: 'row' }, label), texts.map((text) => el('td', { class: 'number' }, text)));
}

function shown(number) {
  return number === null ? 'none' : int(number);
}
