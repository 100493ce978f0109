// The value of a counter between its bounds: a bar with the numbers beside it.
import { el, write } from './dom.js';
import { int } from './format.js';

/** From this part of the range on, the text says that a bound is near. */
const NEAR_PERCENT = 90n;

/** The view of a value between its bounds. Its update keeps the elements, so that nothing flickers. */
export function boundsView() {
  const text = el('span', { class: 'bounds-text' });
  const fill = el('span', { class: 'bar-fill' });
  const bar = el('span', { class: 'bar', 'aria-hidden': 'true' }, fill);
  return {
    element: el('span', { class: 'bounds' }, bar, text),

    /** Shows a state of a counter. */
    update(counter) {
      const percent = share(counter);
      const near = percent !== null && percent >= NEAR_PERCENT;
      write(text, near ? `${words(counter)}, near the maximum` : words(counter));
      bar.hidden = percent === null;
      fill.style.inlineSize = `${percent ?? 0}%`;
      bar.classList.toggle('near', near);
    },
  };
}

/** The value and the bounds in words: "9 of 500". */
function words({ value, min, max }) {
  if (min === null && max === null) {
    return 'no bounds';
  }
  if (max === null) {
    return `at least ${int(min)}`;
  }
  return min === null || BigInt(min) === 0n
    ? `${int(value)} of ${int(max)}`
    : `${int(value)} between ${int(min)} and ${int(max)}`;
}

/** How much of the range is used, in percent; null without a maximum, or without a range that begins somewhere. */
function share({ value, min, max }) {
  if (max === null) {
    return null;
  }
  const from = BigInt(min ?? 0);
  const range = BigInt(max) - from;
  const used = BigInt(value) - from;
  if (range <= 0n || used < 0n) {
    return null;
  }
  const percent = (used * 100n) / range;
  return percent > 100n ? 100n : percent;
}
