// The form that deletes a counter, after the reader typed its name.
import { Attempt, REPLAYED } from './attempt.js';
import { el, fill } from './dom.js';
import { fieldOf } from './field.js';
import { say } from './messages.js';
import { problemView } from './problem.js';
import { submitting } from './submitting.js';

/** The form. */
export function deletingForm(path, name) {
  const attempt = new Attempt();
  const typed = fieldOf('Type the name to delete', {
    spellcheck: 'false',
    hint: ['The name is: ', el('bdi', {}, name)],
  });
  const outcome = el('div');
  return el(
    'form',
    { class: 'card', novalidate: true, onsubmit: submitting(submit) },
    el('h2', {}, 'Delete'),
    el('p', {}, 'The value, the members and the ended periods are removed. This cannot be undone.'),
    typed.element,
    el('p', {}, el('button', { class: 'danger' }, 'Delete counter')),
    outcome,
  );

  async function submit() {
    fill(outcome);
    if (typed.input.value !== name) {
      typed.error('This is not the name of the counter.');
      typed.input.focus();
      return;
    }
    typed.error(null);
    try {
      await attempt.send('DELETE', path);
      say(attempt.wasReplayed ? REPLAYED : 'The counter is deleted.');
    } catch (problem) {
      fill(outcome, problemView(problem));
    }
  }
}
