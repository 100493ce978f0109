// What lists by name share: the filter and the buttons of the pages.
import { button, el } from './dom.js';
import { fieldOf } from './field.js';

const TYPING_MS = 250;

/** The field that filters by a prefix. It reports what the reader typed after a short pause. */
export function prefixField(value, onchange, signal, hint = null) {
  const field = fieldOf('Filter by prefix', { type: 'search', value, spellcheck: 'false', hint });
  let timer;
  field.input.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(() => onchange(field.input.value), TYPING_MS);
  });
  signal.addEventListener('abort', () => clearTimeout(timer));
  return field;
}

/** The buttons below a list. They stay in place, so that the focus does; one that has no page to go to says so. */
export function pageButtons(onfirst, onnext) {
  const first = button('First page', () => enabled(first) && onfirst());
  const next = button('Next page', () => enabled(next) && onnext());
  return {
    element: el('div', { class: 'row pages' }, first, next),

    update({ isFirst, isLast }) {
      first.setAttribute('aria-disabled', String(isFirst));
      next.setAttribute('aria-disabled', String(isLast));
    },
  };
}

function enabled(control) {
  return control.getAttribute('aria-disabled') !== 'true';
}
