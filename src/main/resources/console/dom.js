// Elements from data. Every text becomes a text node: names and values come from clients and are never markup.

/**
 * An element.
 *
 * @param {string} tag
 * @param {object} properties attributes; a function whose name begins with "on" is a listener, false and null leave
 *     the attribute out, true writes an empty one
 * @param {...(Node|string|number|bigint|null|undefined|Array)} children texts and nodes; null is left out
 * @returns {HTMLElement}
 */
export function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith('on')) {
      element.addEventListener(name.slice(2), value);
    } else if (value === true) {
      element.setAttribute(name, '');
    } else if (value !== false && value !== null && value !== undefined) {
      element.setAttribute(name, String(value));
    }
  }
  element.append(...nodes(children));
  return element;
}

/** Replaces the children of an element. */
export function fill(element, ...children) {
  element.replaceChildren(...nodes(children));
}

/**
 * Sets a text where it differs. A text that stays keeps its node, and with it the reader's selection.
 */
export function write(element, text) {
  const next = String(text);
  if (element.textContent !== next) {
    element.textContent = next;
  }
}

/** A button that does not submit a form. */
export function button(label, onclick, properties = {}) {
  return el('button', { type: 'button', onclick, ...properties }, label);
}

/** A text that only screen readers read. */
export function unseen(text) {
  return el('span', { class: 'unseen' }, text);
}

function nodes(children) {
  return children
    .flat(Infinity)
    .filter((child) => child !== null && child !== undefined && child !== false)
    .map((child) => (child instanceof Node ? child : String(child)));
}
