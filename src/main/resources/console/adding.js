// The form that adds to a counter, with a preview.
import { Attempt, REPLAYED } from './attempt.js';
import { el, fill, write } from './dom.js';
import { fieldOf, parsed } from './field.js';
import { int, parseInt64, signed } from './format.js';
import { say } from './messages.js';
import { preview } from './preview.js';
import { problemView } from './problem.js';
import { submitting } from './submitting.js';

/** The form. */
export function addingForm(path) {
  const attempt = new Attempt();
  const amount = fieldOf('Amount', { inputmode: 'numeric', value: '1', hint: 'A whole number. A minus subtracts.' });
  const effect = el('p', { class: 'preview' });
  const outcome = el('div');
  let counter = null;
  amount.input.addEventListener('input', showEffect);
  const element = el(
    'form',
    { class: 'card', novalidate: true, onsubmit: submitting(submit) },
    el('h2', {}, 'Add'),
    amount.element,
    effect,
    el('p', {}, el('button', { class: 'primary' }, 'Add')),
    outcome,
  );

  function update(state) {
    counter = state;
    showEffect();
  }

  function showEffect() {
    let delta;
    try {
      delta = parseInt64(amount.input.value, 'Amount');
    } catch {
      write(effect, '');
      return;
    }
    const { text, allowed } = preview(counter, BigInt(counter.value) + delta);
    write(effect, allowed ? text : `${text} Tally would refuse it.`);
    effect.classList.toggle('refused', !allowed);
  }

  async function submit() {
    fill(outcome);
    const delta = parsed(amount, (text) => parseInt64(text, 'Amount'));
    if (delta === null) {
      return;
    }
    try {
      const result = await attempt.send('POST', `${path}/increments`, { body: { delta: String(delta.value) } });
      const added = `Added ${signed(result.delta)}. The value after it is ${int(result.value)}.`;
      say(attempt.wasReplayed ? REPLAYED : added);
    } catch (problem) {
      fill(outcome, problemView(problem));
    }
  }

  return { element, update };
}
