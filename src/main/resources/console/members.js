// The members of a counter, in pages.
import { pagedView } from './paged.js';
import { table } from './table.js';
import { moment } from './time.js';

/** The view of the members. */
export function membersView(path, signal) {
  return pagedView({
    path: `${path}/members`,
    list: table('Members', [{ label: 'Member' }, { label: 'Joined' }]),
    cells: ({ member, joinedAt }) => [member, moment(joinedAt)],
    none: 'The counter has no members.',
    revision: ({ version }) => version,
    signal,
  });
}
