// The form of a new access key. What it leaves out has the default of the API.
import { change } from './api.js';
import { button, el, fill } from './dom.js';
import { fieldOf } from './field.js';
import { problemView } from './problem.js';
import { submitting } from './submitting.js';

const ACTIONS = {
  read: 'read: reads, live streams, dry runs',
  write: 'write: increments, creating counters, members, names, tokens',
  manage: 'manage: changing and deleting counters, snapshots',
  admin: 'admin: access keys, audits, the lab; needs all namespaces, *',
};

/**
 * The form.
 *
 * @param {function(object): void} whenCreated gets the new key with its secret
 */
export function keyForm(whenCreated) {
  const name = fieldOf('Name', { spellcheck: 'false', hint: 'Letters, digits, dots, hyphens and underscores.' });
  const perSecond = fieldOf('Requests per second', { inputmode: 'numeric', hint: 'Empty for no limit.' });
  const expiresAt = fieldOf('Expires', { type: 'datetime-local', hint: 'In your time zone. Empty for never.' });
  const grants = [];
  const grantsElement = el('div', { class: 'stack' });
  const outcome = el('div');
  const form = el(
    'form',
    { class: 'card', novalidate: true, onsubmit: submitting(submit) },
    el('h2', {}, 'New key'),
    el('div', { class: 'forms' }, name.element, perSecond.element, expiresAt.element),
    grantsElement,
    el(
      'div',
      { class: 'row' },
      el('button', { class: 'primary' }, 'Create key'),
      button('Add a grant', () => addGrant().namespaces.input.focus()),
    ),
    outcome,
  );
  addGrant();
  return form;

  function addGrant() {
    const grant = grantFields(grants.length + 1);
    grants.push(grant);
    grantsElement.append(grant.element);
    return grant;
  }

  async function submit() {
    fill(outcome);
    const fields = [name, ...grants.map(({ namespaces }) => namespaces)];
    fields.forEach((field) => field.error(field.input.value.trim() === '' ? 'This must not be empty.' : null));
    grants.forEach((grant) => grant.actionsError(grant.actions().length === 0));
    const wrong = form.querySelector('[aria-invalid="true"], [data-invalid] [type="checkbox"]');
    if (wrong !== null) {
      wrong.focus();
      return;
    }
    try {
      const created = await change('POST', 'v1/keys', { body: body() });
      reset();
      whenCreated(created);
    } catch (problem) {
      fill(outcome, problemView(problem));
    }
  }

  function body() {
    const rate = perSecond.input.value.trim();
    return {
      name: name.input.value.trim(),
      grants: grants.map((grant) => ({
        namespaces: grant.namespaces.input.value.split(/[\s,]+/).filter((text) => text !== ''),
        actions: grant.actions(),
      })),
      // The API says what is wrong with a text that is no number.
      perSecond: rate === '' ? null : Number.isInteger(Number(rate)) ? Number(rate) : rate,
      expiresAt: expiresAt.input.value === '' ? null : new Date(expiresAt.input.value).toISOString(),
    };
  }

  function reset() {
    form.reset();
    grants.length = 0;
    fill(grantsElement);
    addGrant();
  }
}

function grantFields(number) {
  const namespaces = fieldOf('Namespaces', {
    spellcheck: 'false',
    hint: 'Separated by blanks. A * at the end stands for any rest, as in shop-*; a * alone for all.',
  });
  const boxes = Object.entries(ACTIONS).map(([action, label]) => {
    const input = el('input', { type: 'checkbox', value: action });
    return { input, element: el('label', { class: 'check' }, input, label) };
  });
  const error = el('p', { class: 'error', id: `grant-${number}-error` });
  const element = el(
    'fieldset',
    {},
    el('legend', {}, `Grant ${number}`),
    namespaces.element,
    el(
      'div',
      { role: 'group', 'aria-label': 'Actions', 'aria-describedby': error.id },
      boxes.map((box) => box.element),
    ),
    error,
  );
  return {
    element,
    namespaces,
    actions: () => boxes.filter(({ input }) => input.checked).map(({ input }) => input.value),

    actionsError(isMissing) {
      error.textContent = isMissing ? 'Choose at least one action.' : '';
      element.toggleAttribute('data-invalid', isMissing);
    },
  };
}
