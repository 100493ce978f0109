// What a form shows when another client changed the counter first: both states, beside what the reader typed.
import { el } from './dom.js';
import { int } from './format.js';

const HEAD = ['Before', 'Yours', 'Now'];

/**
 * The view of a conflict.
 *
 * @param {Array<{label: string, member: string, input: HTMLInputElement}>} fields what the reader edits
 * @param {object} began the state at which the reader began to type
 * @param {object} now the current state
 * @param {...Node} further what the reader may do
 */
export function conflictView(fields, began, now, ...further) {
  const rows = fields.map(({ label, member, input }) => [
    label,
    shown(began[member]),
    input.value.trim() || 'none',
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
