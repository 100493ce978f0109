// The sign-in, in place of the screen that was asked for.
import { el, fill } from './dom.js';
import { fieldOf } from './field.js';
import { problemView } from './problem.js';
import { session } from './session.js';
import { submitting } from './submitting.js';

/** Shows the form. */
export function signIn(content, whenSignedIn) {
  const key = fieldOf('Access key', {
    type: 'password',
    autocomplete: 'current-password',
    spellcheck: 'false',
    hint: 'Tally keeps it in a cookie that scripts cannot read, until you sign out or close the browser.',
  });
  const outcome = el('div');
  const form = el(
    'form',
    { class: 'stack', novalidate: true, onsubmit: submitting(submit) },
    key.element,
    el('p', {}, el('button', { class: 'primary' }, 'Sign in')),
    outcome,
  );
  content.classList.add('narrow');
  fill(content, el('h1', {}, 'Sign in'), el('p', {}, 'This Tally needs an access key or a token.'), form);
  key.input.focus();

  async function submit() {
    fill(outcome);
    key.error(key.input.value.trim() === '' ? 'Enter an access key.' : null);
    if (key.input.value.trim() === '') {
      key.input.focus();
      return;
    }
    try {
      await session.signIn(key.input.value.trim());
    } catch (problem) {
      fill(outcome, problemView(problem));
      key.input.focus();
      return;
    }
    whenSignedIn();
  }
}
