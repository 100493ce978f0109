// A problem as the API describes it.
import { Problem, url } from './api.js';
import { copyButton } from './copy.js';
import { el, fill } from './dom.js';

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
    { class: 'problem', role: 'alert', 'data-problem': identity(failure) },
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

/**
 * Shows the problem of a read that the page repeats. The same problem stays as it is, with the id of its first request:
 * screen readers would read a new one again.
 *
 * @param {HTMLElement} element has nothing else
 * @param {unknown} failure as for the view
 */
export function showProblem(element, failure) {
  const view = problemView(failure);
  if (element.firstElementChild?.dataset.problem !== view.dataset.problem) {
    fill(element, view);
  }
}

function identity({ type, title, detail, status }) {
  return JSON.stringify([type, title, detail, status]);
}
