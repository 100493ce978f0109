// Tables with a caption, column headers and, where columns sort, buttons in the headers.
import { button, el, fill } from './dom.js';

/**
 * A table.
 *
 * @param {string} caption
 * @param {Array<{label: string, numeric?: boolean, optional?: boolean, onsort?: function(): void}>} columns the first
 *     one heads its row; optional columns are not shown on small screens
 */
export function table(caption, columns) {
  const body = el('tbody');
  const captionElement = el('caption', {}, caption);
  const heads = columns.map(headerCell);
  const head = el('thead', {}, el('tr', {}, heads));
  const element = el('div', { class: 'scroll' }, el('table', {}, captionElement, head, body));
  focusableWhileScrolling(element, captionElement);
  empty('Loading');

  /** Shows a sentence in place of rows. */
  function empty(...contents) {
    fill(body, el('tr', {}, el('td', { class: 'empty', colspan: columns.length }, ...contents)));
  }

  return {
    element,
    body,

    /** Shows by which column the rows are sorted; the direction is "ascending" or "descending". */
    sorted(label, direction) {
      heads.forEach((cell, i) => showDirection(cell, columns[i], columns[i].label === label ? direction : null));
    },

    /** Replaces the rows, each an array of cells' contents; an array in a cell has several nodes. */
    rows(rows) {
      fill(body, rows.map((cells) => row(columns, cells)));
    },

    empty,
  };
}

/** A row of a table; its first cell is a header. */
export function row(columns, cells) {
  return el(
    'tr',
    {},
    cells.map((contents, i) =>
      el(i === 0 ? 'th' : 'td', { class: classes(columns[i]), scope: i === 0 && 'row' }, contents),
    ),
  );
}

function headerCell(column) {
  const { label, onsort } = column;
  const arrow = el('span', { class: 'arrow', 'aria-hidden': 'true' }, '↕');
  const contents = onsort === undefined ? label : button([label, arrow], onsort);
  return el('th', { scope: 'col', class: classes(column) }, contents);
}

function showDirection(cell, { onsort }, direction) {
  if (onsort === undefined) {
    return;
  }
  cell.querySelector('.arrow').textContent = { ascending: '▲', descending: '▼' }[direction] ?? '↕';
  if (direction === null) {
    cell.removeAttribute('aria-sort');
  } else {
    cell.setAttribute('aria-sort', direction);
  }
}

function classes({ numeric, optional }) {
  const names = [numeric && 'number', optional && 'optional'].filter(Boolean).join(' ');
  return names === '' ? null : names;
}

/** A table that is wider than the screen scrolls; the keyboard reaches it then. */
function focusableWhileScrolling(element, caption) {
  new ResizeObserver(() => {
    if (element.scrollWidth > element.clientWidth) {
      element.tabIndex = 0;
      element.setAttribute('role', 'region');
      element.setAttribute('aria-label', caption.textContent);
    } else {
      element.removeAttribute('tabindex');
      element.removeAttribute('role');
      element.removeAttribute('aria-label');
    }
  }).observe(element);
}
