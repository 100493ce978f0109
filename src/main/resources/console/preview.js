// What a write would make of the value, in words.
import { INT64_MAX, INT64_MIN, int } from './format.js';

/**
 * The value before and after as a sentence, and whether the bounds allow it.
 *
 * @param {object} counter its current state
 * @param {bigint} next the value after the write
 * @returns {{text: string, allowed: boolean}}
 */
export function preview(counter, next) {
  const change = `${int(counter.value)} → ${int(next)}`;
  const { min, max } = counter;
  if (max !== null && next > BigInt(max)) {
    return { text: `${change} is above the maximum ${int(max)}.`, allowed: false };
  }
  if (min !== null && next < BigInt(min)) {
    return { text: `${change} is below the minimum ${int(min)}.`, allowed: false };
  }
  if (next > INT64_MAX || next < INT64_MIN) {
    return { text: `${change} does not fit into 64 bits.`, allowed: false };
  }
  const bounds = [min === null ? '' : `, min ${int(min)}`, max === null ? '' : `, of max ${int(max)}`].join('');
  return { text: `${change}${bounds}.`, allowed: true };
}
