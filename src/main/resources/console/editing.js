// The forms that set a value or bounds. They change only what the reader changed, and only if it still is as the reader
// saw it: if another client was faster, both states are shown, and what was typed stays.
import { read } from './api.js';
import { Attempt, REPLAYED } from './attempt.js';
import { conflictView } from './conflict.js';
import { button, el, fill, write } from './dom.js';
import { fieldOf, parsed } from './field.js';
import { int, parseInt64 } from './format.js';
import { say } from './messages.js';
import { preview } from './preview.js';
import { problemView } from './problem.js';
import { submitting } from './submitting.js';

/** A busy counter is at another version with each request. */
const TRIES_MAX = 6;

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
 * A form that patches a counter if the members of its fields are still those of the state at which the reader began to
 * type.
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
    { class: 'card', novalidate: true, onsubmit: submitting(submit) },
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

  /** Whether another client has changed what the form edits. */
  function differs(state) {
    return fields.some(({ member }) => state[member] !== base[member]);
  }

  function reset() {
    base = null;
    fields.forEach((field) => fillIn(field, prefilled ? counter : {}));
  }

  function fillIn(field, state) {
    const value = state[field.member] ?? '';
    if (field.input.value !== value) {
      field.input.value = value;
    }
    field.error(null);
  }

  function showEffect() {
    const changed =
      base === null || !differs(counter)
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

  async function submit() {
    const seen = base ?? counter;
    const body = {};
    for (const field of fields) {
      const result = parsed(field, (text) => valueOf(field, text));
      if (result === null) {
        return;
      }
      const value = result.value === null ? null : String(result.value);
      // A member that the reader did not change may be changed by another client meanwhile.
      if (!prefilled || value !== seen[field.member]) {
        body[field.member] = value;
      }
    }
    base = seen;
    if (Object.keys(body).length === 0) {
      clear();
      say(`${label}: nothing differs from the counter.`);
      return;
    }
    await send(body);
  }

  async function send(body) {
    fill(outcome);
    try {
      const after = await patch(body);
      // The stream may have been faster.
      if (BigInt(after.version) > BigInt(counter.version)) {
        counter = after;
      }
      reset();
      showEffect();
      say(attempt.wasReplayed ? REPLAYED : `${label}: done. The counter is at version ${int(after.version)}.`);
    } catch (problem) {
      if (problem.type === 'precondition-failed') {
        await showConflict(body);
      } else {
        fill(outcome, problemView(problem));
      }
    }
  }

  /**
   * Patches the counter. If only other members of it have changed, such as the value beside the bounds, it is tried
   * again with the new version.
   *
   * @throws {Problem}
   */
  async function patch(body) {
    for (let tries = 1; ; tries += 1) {
      try {
        return await attempt.send('PATCH', path, { body, headers: { 'If-Match': `"${base.version}"` } });
      } catch (problem) {
        if (problem.type !== 'precondition-failed' || tries === TRIES_MAX) {
          throw problem;
        }
        const now = await read(path);
        if (differs(now)) {
          throw problem;
        }
        base = now;
      }
    }
  }

  /** Shows both states. The next submit applies to the one that the reader sees then. */
  async function showConflict(body) {
    let now;
    try {
      now = await read(path);
    } catch (problem) {
      fill(outcome, problemView(problem));
      return;
    }
    const view = conflictView(
      fields.map((field) => ({ ...field, yours: field.member in body ? field.input.value.trim() || 'none' : '–' })),
      base,
      now,
      el('p', {}, `“${label}” now applies your input to version ${int(now.version)}.`),
      el('p', {}, button('Discard mine', discard)),
    );
    base = now;
    fields.filter(({ member }) => !(member in body)).forEach((field) => fillIn(field, now));
    fill(outcome, view);
    showEffect();
  }

  function clear() {
    fill(outcome);
    reset();
    showEffect();
  }

  function discard() {
    clear();
    fields[0].input.focus();
  }

  return { element, update };
}

function valueOf({ label, optional }, text) {
  return optional && text.trim() === '' ? null : parseInt64(text, label);
}
