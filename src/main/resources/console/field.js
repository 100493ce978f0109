// Fields of forms: a label, a control, a hint, and an error that belongs to the control.
import { el } from './dom.js';

let count = 0;

/**
 * A field.
 *
 * @param {string} label
 * @param {object} properties those of the control, and `hint`, what is below it; `options`, the values of a list
 * @returns {{element: HTMLElement, input: HTMLInputElement|HTMLSelectElement, error: function(string|null): void}}
 */
export function fieldOf(label, { hint = null, options = null, ...properties } = {}) {
  count += 1;
  const id = `field-${count}`;
  const hintElement = hint === null ? null : el('p', { class: 'hint', id: `${id}-hint` }, hint);
  const errorElement = el('p', { class: 'error', id: `${id}-error` });
  errorElement.hidden = true;
  const described = hint === null ? `${id}-error` : `${id}-hint ${id}-error`;
  const attributes = { id, 'aria-describedby': described, ...properties };
  const input =
    options === null
      ? el('input', { type: 'text', autocomplete: 'off', ...attributes })
      : el('select', attributes, options.map((option) => el('option', { value: option }, option)));
  return {
    element: el('div', { class: 'field' }, el('label', { for: id }, label), input, hintElement, errorElement),
    input,

    /** Shows what is wrong with the input, or removes it. */
    error(text) {
      errorElement.textContent = text ?? '';
      errorElement.hidden = text === null;
      if (text === null) {
        input.removeAttribute('aria-invalid');
      } else {
        input.setAttribute('aria-invalid', 'true');
      }
    },
  };
}

/**
 * What a field parses to. If it does not, its error is shown, and it gets the focus.
 *
 * @returns {{value: any}|null} null if the input is not valid
 */
export function parsed(field, parse) {
  try {
    const value = parse(field.input.value);
    field.error(null);
    return { value };
  } catch (failure) {
    if (!(failure instanceof RangeError)) {
      throw failure;
    }
    field.error(failure.message);
    field.input.focus();
    return null;
  }
}
