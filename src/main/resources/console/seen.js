// The values that the page has seen of a counter: a table, and the same as a chart.
import { chartOf } from './chart.js';
import { el } from './dom.js';
import { int, signed } from './format.js';
import { repeat } from './motion.js';
import { table } from './table.js';
import { timeOfDay } from './time.js';

/** The oldest points beyond this number are forgotten. */
const POINTS_MAX = 600;
const ROWS_MAX = 12;

const COLUMNS = [
  { label: 'Seen' },
  { label: 'Value', numeric: true },
  { label: 'Change', numeric: true },
  { label: 'Version', numeric: true, optional: true },
];

/** The view of the values seen. */
export function seenView(signal) {
  const points = [];
  const chart = chartOf(signal);
  const list = table('Values seen', COLUMNS);
  const element = el('div', { class: 'seen' }, chart.element, list.element);
  repeat(() => points.length > 0 && chart.update(points, Date.now()), 1, signal);

  return {
    element,

    update({ value, version }) {
      if (points.at(-1)?.version === version && points.at(-1).value === BigInt(value)) {
        return;
      }
      points.push({ at: Date.now(), value: BigInt(value), version });
      if (points.length > POINTS_MAX) {
        points.shift();
      }
      list.rows(points.slice(-ROWS_MAX - 1).reverse().slice(0, ROWS_MAX).map(cells));
      chart.update(points, Date.now());
    },
  };

  function cells(point) {
    const before = points[points.indexOf(point) - 1];
    return [
      timeOfDay(point.at),
      int(point.value),
      before === undefined ? '–' : signed(point.value - before.value),
      int(point.version),
    ];
  }
}
