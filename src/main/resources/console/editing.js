// The forms that set a value or bounds. They apply only to the state that the reader saw: if another client was faster,
// both states are shown, and what was typed stays.
import { read } from './api.js';
import { Attempt } from './attempt.js';
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
    if (base === null) {
      write(effectElement, '');
      return;
    }
    let text = '';
    try {
      text = effect(counter, Object.fromEntries(fields.map((field) => [field.member, valueOf(field, field.input.value)])));
    } catch (failure) {
      if (!(failure instanceof RangeError)) {
        throw failure;
      }
    }
    const changed = base.version === counter.version ? '' : ` The counter has changed since you began: ${state(counter)}.`;
    write(effectElement, `${text}${changed}`.trim());
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
      base = null;
      update(after);
      reset();
      say(`${label}: done. The counter is at version ${int(after.version)}.`);
    } catch (problem) {
      fill(outcome, problemView(problem));
      if (problem.type === 'precondition-failed') {
        await showConflict();
      }
    }
  }

  /** Both states; the next submit applies to the one that the reader sees now. */
  async function showConflict() {
    const began = base;
    let now;
    try {
      now = await read(path);
    } catch (problem) {
      fill(outcome, problemView(problem));
      return;
    }
    base = now;
    const head = ['', 'When you began', 'Yours', 'Now'];
    fill(
      outcome,
      el(
        'section',
        { class: 'problem', role: 'alert' },
        el('p', { class: 'problem-title' }, el('strong', {}, 'Another client changed the counter')),
        el(
          'table',
          {},
          el('caption', {}, 'Yours and theirs'),
          el('thead', {}, el('tr', {}, head.map((text) => (text === '' ? el('td') : el('th', { scope: 'col' }, text))))),
          el(
            'tbody',
            {},
            fields.map((field) => conflictRow(field.label, shown(began[field.member]), field.input.value.trim() || 'none', shown(now[field.member]))),
            conflictRow('Version', int(began.version), '–', int(now.version)),
          ),
        ),
        el('p', {}, `“${label}” now applies yours to version ${int(now.version)}.`),
        el('p', {}, button('Discard mine', discard)),
      ),
    );
  }

  function discard() {
    fill(outcome);
    reset();
    showEffect();
    fields[0].input.focus();
  }

  return { element, update };
}

function conflictRow(label, ...texts) {
  return el('tr', {}, el('th', { scope: 'row' }, label), texts.map((text) => el('td', { class: 'number' }, text)));
}

function valueOf({ label, optional }, text) {
  return optional && text.trim() === '' ? null : parseInt64(text, label);
}

function shown(number) {
  return number === null ? 'none' : int(number);
}

function state({ value, version }) {
  return `value ${int(value)}, version ${int(version)}`;
}
