// A question in front of the page, before something that other clients notice.
import { button, el, fill } from './dom.js';
import { problemView } from './problem.js';

let count = 0;

/**
 * Asks, and does it. The focus is back where it was when the result is there.
 *
 * @param {string} title
 * @param {Node[]} contents
 * @param {string} label of the button that does it
 * @param {function(): Promise<any>} task a problem that it throws is shown, and the dialog stays
 * @returns {Promise<any>} the result of the task; undefined if the reader cancelled
 */
export function confirm(title, contents, label, task) {
  count += 1;
  const id = `dialog-${count}`;
  const outcome = el('div');
  const dialog = el(
    'dialog',
    { 'aria-labelledby': id },
    el(
      'form',
      { class: 'stack', novalidate: true, onsubmit: submit },
      el('h2', { id }, title),
      contents,
      outcome,
      el('div', { class: 'row' }, el('button', { class: 'danger' }, label), button('Cancel', () => dialog.close())),
    ),
  );
  let result;
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(result);
    });
  });

  async function submit(event) {
    event.preventDefault();
    try {
      result = await task();
    } catch (problem) {
      fill(outcome, problemView(problem));
      return;
    }
    dialog.close();
  }
}
