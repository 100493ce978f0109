// Texts of numbers, sizes and durations. 64-bit numbers are strings of digits or BigInts, never Numbers.

export const INT64_MIN = -(2n ** 63n);
export const INT64_MAX = 2n ** 63n - 1n;

const grouped = new Intl.NumberFormat('en');
const withSign = new Intl.NumberFormat('en', { signDisplay: 'exceptZero' });
const rounded = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 });

/** An integer with its digits grouped. */
export function int(number) {
  return grouped.format(BigInt(number));
}

/** An integer with a plus or a minus, except for 0. */
export function signed(number) {
  return withSign.format(BigInt(number));
}

/** A fraction with three significant digits. */
export function decimal(number) {
  return Math.abs(number) >= 1000 ? grouped.format(Math.round(number)) : rounded.format(number);
}

/** A measured time in milliseconds or seconds, with three significant digits. */
export function span(seconds) {
  return seconds < 1 ? `${decimal(seconds * 1000)} ms` : `${decimal(seconds)} s`;
}

const UNITS = [
  ['day', 86_400],
  ['h', 3_600],
  ['min', 60],
  ['s', 1],
];

/** A duration in its two largest units: "3 h 12 min", "8 s", "2 days". */
export function duration(seconds) {
  let rest = Math.max(0, Math.floor(seconds));
  if (rest === 0) {
    return '0 s';
  }
  const parts = [];
  for (const [unit, length] of UNITS) {
    const count = Math.floor(rest / length);
    if (count > 0) {
      parts.push(`${int(count)} ${unit === 'day' && count > 1 ? 'days' : unit}`);
      rest -= count * length;
    } else if (parts.length > 0) {
      break;
    }
    if (parts.length === 2) {
      break;
    }
  }
  return parts.join(' ');
}

/** How long before another time an instant was; "now" within a second. */
export function ago(instant, nowMillis) {
  const seconds = (nowMillis - Date.parse(instant)) / 1000;
  return seconds < 1 ? 'now' : `${duration(seconds)} ago`;
}

/** Groups of three digits with the same separator: a comma, a blank, an apostrophe or an underscore. */
const GROUPS = /^[-+]?\d{1,3}([\s,_'\u2019])\d{3}(?:\1\d{3})*$/;

/** An integer without the separators between its groups; every other text as it is, without blanks around it. */
export function ungrouped(text) {
  const trimmed = text.trim();
  return GROUPS.test(trimmed) ? trimmed.replace(/[\s,_'\u2019]/g, '') : trimmed;
}

/**
 * The 64-bit integer that a reader typed. Groups of three digits may be separated.
 *
 * @param {string} text
 * @param {string} field the label of the field, for the message
 * @returns {bigint}
 * @throws {RangeError} with a sentence for the reader
 */
export function parseInt64(text, field) {
  const digits = ungrouped(text.trim().replace(/^[\u2212\u2013]/, '-').replace(/^([-+])\s+/, '$1')).replace(/^\+/, '');
  if (!/^-?\d{1,20}$/.test(digits)) {
    throw new RangeError(`${field} must be a whole number, such as 5 or -2.`);
  }
  const number = BigInt(digits);
  if (number < INT64_MIN || number > INT64_MAX) {
    throw new RangeError(`${field} must be between ${int(INT64_MIN)} and ${int(INT64_MAX)}.`);
  }
  return number;
}
