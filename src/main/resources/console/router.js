// The hash of the URL is the state of the page: #/counters/shop?prefix=st. A link to a screen shows the same screen.
import { withQuery } from './query.js';

/**
 * The place that a hash names.
 *
 * @returns {{segments: string[], query: URLSearchParams}|null} decoded; null if the hash is malformed
 */
export function parse(hash) {
  const mark = hash.indexOf('?');
  const path = mark < 0 ? hash : hash.slice(0, mark);
  try {
    return {
      segments: path.replace(/^#?\/?/, '').split('/').filter((text) => text !== '').map(decodeURIComponent),
      query: new URLSearchParams(mark < 0 ? '' : hash.slice(mark + 1)),
    };
  } catch {
    return null;
  }
}

/** The hash of a place. Parameters that are empty or null are left out. */
export function hashOf(segments, parameters = {}) {
  return withQuery(`#/${segments.map(encodeURIComponent).join('/')}`, parameters);
}

/** Goes to a hash, with an entry in the history. */
export function go(hash) {
  location.hash = hash;
}

/** Goes to a hash in place of the current entry, for changes while the reader types. */
export function replace(hash) {
  history.replaceState(null, '', hash);
  dispatchEvent(new HashChangeEvent('hashchange'));
}
