// The picture of what a run lost: two bars of one scale. The numbers are beside them.
import { el } from './dom.js';
import { decimal, int } from './format.js';

/** The picture of a result. */
export function lossPicture(result) {
  const acknowledged = BigInt(result.acknowledged);
  const stored = BigInt(result.stored);
  const scale = [acknowledged, stored, 1n].reduce((a, b) => (a > b ? a : b));
  const lost = BigInt(result.lost);
  return el(
    'div',
    { class: 'loss' },
    bar('Acknowledged', acknowledged, scale, 'acknowledged'),
    bar('Stored', stored, scale, 'stored'),
    lost > 0n && bar('Lost', lost, scale, 'lost'),
    el('p', { class: lost === 0n ? 'kept' : 'lost' }, words(lost, acknowledged)),
    el(
      'p',
      { class: 'hint' },
      `${decimal(result.perSecond)} a second for ${decimal(result.seconds)} s, `,
      `${int(result.errors)} errors, ${int(result.retries)} retries, ${int(result.duplicateRows)} duplicate rows`,
      result.p50Ms === null ? '' : `, p50 ${decimal(result.p50Ms)} ms, p99 ${decimal(result.p99Ms)} ms`,
      result.timedOut ? '. The run reached its time limit.' : '.',
    ),
  );
}

function bar(label, number, scale, name) {
  const length = el('span', { class: `length ${name}` });
  length.style.inlineSize = `${Number((number * 1000n) / scale) / 10}%`;
  return el(
    'div',
    { class: 'loss-bar' },
    el('span', {}, label),
    el('span', { class: 'track', 'aria-hidden': 'true' }, length),
    el('span', { class: 'number' }, int(number)),
  );
}

function words(lost, acknowledged) {
  if (lost === 0n) {
    return 'No acknowledged increment was lost.';
  }
  return lost > 0n
    ? `${int(lost)} of ${int(acknowledged)} acknowledged increments were lost.`
    : `${int(-lost)} increments were stored without an acknowledgement.`;
}
