// A problem as the API describes it.
import { Problem, url } from './api.js';
import { copyButton } from './copy.js';
import { el } from './dom.js';

/**
 * The view of a problem: title, detail, id of the request. Screen readers read it at once.
 *
 * @param {unknown} failure anything but a Problem is a fault of the page, and is thrown again
 */
export function problemView(failure) {
  if (!(failure instanceof Problem)) {
    throw failure;
  }
  const { type, title, detail, status, requestId } = failure;
  return el(
    'section',
    { class: 'problem', role: 'alert' },
    el('p', { class: 'problem-title' }, el('strong', {}, title), status > 0 ? ` (${status})` : ''),
    detail === '' ? null : el('p', {}, detail),
    failure.retryAfterSeconds === null ? null : el('p', {}, `Try again in ${failure.retryAfterSeconds} s.`),
    requestId === null
      ? null
      : el(
          'p',
          { class: 'row' },
          'Request ',
          el('code', {}, requestId),
          copyButton('Copy request id', () => requestId, 'The request id'),
        ),
    type === '' ? null : el('p', {}, el('a', { href: url(`problems/${type}`).href }, 'What this problem means')),
  );
}
