// The forms that set a value or bounds. They apply only to the state that the reader saw: if another client was faster,
// both states are shown, and what was typed stays.
import { read } from './api.js';
import { Attempt } from './attempt.js';
import { conflictView } from './conflict.js';
import { button, el, fill, write } from './dom.js';
import { fieldOf, parsed } from './field.js';
import { int, parseInt64 } from './format.js';
import { say } from './messages.js';
import { preview } from './preview.js';
import { problemView } from './problem.js';

/** The form that sets the value. */
export function valueForm(path) {
  return guardedForm(path, {
    heading: 'Set the value',
    label: 'Set',
    prefilled: false,
    fields: [{ label: 'Value', member: 'value', hint: 'Replaces the value.', optional: false }],
    effect: (counter, { value }) => preview(counter, value).text,
  });
}

/** The form that sets the bounds and the initial value. */
export function boundsForm(path) {
  return guardedForm(path, {
    heading: 'Bounds',
    label: 'Change bounds',
    prefilled: true,
    fields: [
      { label: 'Minimum', member: 'min', hint: 'Empty for none.', optional: true },
      { label: 'Maximum', member: 'max', hint: 'Empty for none.', optional: true },
      { label: 'Initial value', member: 'initial', hint: 'Must be between the bounds.', optional: false },
    ],
    effect: () => '',
  });
}

/**
 * A form that patches a counter if its version is still that of the state at which the reader began to type.
 *
 * @param {string} path
 * @param {object} options
 * @param {boolean} options.prefilled whether the fields follow the counter until the reader types
 */
function guardedForm(path, { heading, label, prefilled, fields: specifications, effect }) {
  const attempt = new Attempt();
  const fields = specifications.map((specification) => ({
    ...specification,
    ...fieldOf(specification.label, { inputmode: 'numeric', hint: specification.hint }),
  }));
  const effectElement = el('p', { class: 'preview' });
  const outcome = el('div');
  let counter = null;

  /** The state that the reader edits; null before the first key press. */
  let base = null;
  fields.forEach(({ input }) => input.addEventListener('input', begin));
  const element = el(
    'form',
    { class: 'card', novalidate: true, onsubmit: submit },
    el('h2', {}, heading),
    fields.map((field) => field.element),
    effectElement,
    el('p', {}, el('button', { class: 'primary' }, label)),
    outcome,
  );

  function begin() {
    base ??= counter;
    showEffect();
  }

  function update(state) {
    counter = state;
    if (base === null && prefilled) {
      reset();
    }
    showEffect();
  }

  function reset() {
    base = null;
    fields.forEach((field) => {
      const value = prefilled ? (counter[field.member] ?? '') : '';
      if (field.input.value !== value) {
        field.input.value = value;
      }
      field.error(null);
    });
  }

  function showEffect() {
    const changed =
      base === null || base.version === counter.version
        ? ''
        : `The counter has changed since you began: value ${int(counter.value)}, version ${int(counter.version)}.`;
    const text = [base === null ? '' : effectWords(), changed].filter((part) => part !== '').join(' ');
    write(effectElement, text);
    effectElement.hidden = prefilled && text === '';
  }

  /** Nothing while what the reader typed is no number yet. */
  function effectWords() {
    try {
      const values = fields.map((field) => [field.member, valueOf(field, field.input.value)]);
      return effect(counter, Object.fromEntries(values));
    } catch (failure) {
      if (failure instanceof RangeError) {
        return '';
      }
      throw failure;
    }
  }

  async function submit(event) {
    event.preventDefault();
    const body = {};
    for (const field of fields) {
      const result = parsed(field, (text) => valueOf(field, text));
      if (result === null) {
        return;
      }
      body[field.member] = result.value === null ? null : String(result.value);
    }
    base ??= counter;
    try {
      const after = await attempt.send('PATCH', path, { body, headers: { 'If-Match': `"${base.version}"` } });
      fill(outcome);
      // The stream may have been faster.
      if (BigInt(after.version) > BigInt(counter.version)) {
        counter = after;
      }
      reset();
      showEffect();
      say(`${label}: done. The counter is at version ${int(after.version)}.`);
    } catch (problem) {
      if (problem.type === 'precondition-failed') {
        await showConflict();
      } else {
        fill(outcome, problemView(problem));
      }
    }
  }

  /** Shows both states. The next submit applies to the one that the reader sees then. */
  async function showConflict() {
    let now;
    try {
      now = await read(path);
    } catch (problem) {
      fill(outcome, problemView(problem));
      return;
    }
    const view = conflictView(
      fields,
      base,
      now,
      el('p', {}, `“${label}” now applies yours to version ${int(now.version)}.`),
      el('p', {}, button('Discard mine', discard)),
    );
    base = now;
    fill(outcome, view);
    showEffect();
  }

  function discard() {
    fill(outcome);
    reset();
    showEffect();
    fields[0].input.focus();
  }

  return { element, update };
}

function valueOf({ label, optional }, text) {
  return optional && text.trim() === '' ? null : parseInt64(text, label);
}
