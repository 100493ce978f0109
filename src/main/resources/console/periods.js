// The ended periods of a counter, in pages.
import { int } from './format.js';
import { pagedView } from './paged.js';
import { table } from './table.js';
import { moment } from './time.js';

/** The view of the ended periods. It is hidden while the counter has no periods. */
export function periodsView(path, signal) {
  const columns = [{ label: 'Period' }, { label: 'Until' }, { label: 'Last value', numeric: true }];
  const view = pagedView({
    path: `${path}/periods`,
    list: table('Periods', columns),
    cells: ({ start, end, value }) => [moment(start), moment(end), int(value)],
    none: 'No period with operations has ended yet.',
    revision: ({ period }) => period.start,
    signal,
  });
  return {
    element: view.element,

    update(counter) {
      view.element.hidden = counter.period === null;
      if (counter.period !== null) {
        view.update(counter);
      }
    },
  };
}
