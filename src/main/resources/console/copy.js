// Buttons that copy a text.
import { button } from './dom.js';
import { say } from './messages.js';

/**
 * A button that copies a text.
 *
 * @param {string} label
 * @param {function(): string} text called at each click
 * @param {string} what the message names it: "The request id"
 */
export function copyButton(label, text, what) {
  return button(
    label,
    async (event) => {
      const copied = await copy(text(), event.currentTarget);
      say(copied ? `${what} is in the clipboard.` : `The browser did not permit copying ${what.toLowerCase()}.`);
    },
    { class: 'quiet' },
  );
}

/** Over http without TLS, browsers have no clipboard object; there the old command still works. */
async function copy(text, origin) {
  if (navigator.clipboard !== undefined) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      // Not allowed here: the command below may be.
    }
  }
  const area = document.createElement('textarea');
  area.value = text;
  area.className = 'unseen';
  area.setAttribute('aria-hidden', 'true');
  origin.after(area);
  area.select();
  const copied = document.execCommand('copy');
  area.remove();
  origin.focus();
  return copied;
}
