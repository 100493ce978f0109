// Dialogs in front of the page.
import { button, el, fill } from './dom.js';
import { problemView } from './problem.js';
import { submitting } from './submitting.js';

let count = 0;

/**
 * Asks before a change that other clients notice, and makes the change. While its request is in flight, the dialog
 * stays, so that the reader learns the result. The focus is back where it was when the result is there.
 *
 * @param {string} title
 * @param {Node[]} contents
 * @param {string} label of the button that makes the change
 * @param {function(): Promise<any>} task a problem that it throws is shown, and the dialog stays
 * @param {AbortSignal} signal closes the dialog when no request is in flight
 * @returns {Promise<any>} the result of the task; undefined if the reader cancelled
 */
export function confirm(title, contents, label, task, signal) {
  let isInFlight = false;
  let result;
  const outcome = el('div');
  const cancel = button('Cancel', close);
  const form = el(
    'form',
    { class: 'stack', novalidate: true, onsubmit: submitting(submit) },
    contents,
    outcome,
    el('div', { class: 'row' }, el('button', { class: 'danger' }, label), cancel),
  );
  const { dialog } = opened(title, form);
  signal.addEventListener('abort', close);
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => {
      if (isInFlight) {
        // The key Escape closes a dialog in ways that a page cannot prevent.
        dialog.showModal();
        return;
      }
      signal.removeEventListener('abort', close);
      dialog.remove();
      resolve(result);
    });
  });

  function close() {
    if (!isInFlight) {
      dialog.close();
    }
  }

  async function submit() {
    fill(outcome);
    isInFlight = true;
    cancel.setAttribute('aria-disabled', 'true');
    try {
      result = await task();
    } catch (problem) {
      fill(outcome, problemView(problem));
      return;
    } finally {
      isInFlight = false;
      cancel.removeAttribute('aria-disabled');
    }
    dialog.close();
  }
}

/** Shows contents until the reader closes them. */
export function show(title, contents) {
  const { dialog, heading } = opened(
    title,
    el('div', { class: 'stack' }, contents, el('p', {}, button('Close', () => dialog.close()))),
  );
  dialog.addEventListener('close', () => dialog.remove());
  heading.tabIndex = -1;
  heading.focus();
}

function opened(title, contents) {
  count += 1;
  const id = `dialog-${count}`;
  const heading = el('h2', { id }, title);
  const dialog = el('dialog', { 'aria-labelledby': id }, el('div', { class: 'stack' }, heading, contents));
  document.body.append(dialog);
  dialog.showModal();
  return { dialog, heading };
}
