// Times in the reader's zone, with UTC on hover.
import { el } from './dom.js';

const clock = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' });
const full = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' });

/** The date and time of an instant; a dash where there is none. */
export function moment(instant) {
  return instant === null || instant === undefined ? '–' : timeOf(instant, full);
}

/** The time of day of an instant. */
export function timeOfDay(instant) {
  return timeOf(instant, clock);
}

/** The reader's time zone in words, such as "Europe/Berlin (GMT+1); hover over one to see it in UTC". */
export function zone() {
  const { timeZone } = full.resolvedOptions();
  const offset = new Intl.DateTimeFormat('en-GB', { timeZoneName: 'shortOffset' })
    .formatToParts(new Date())
    .find((part) => part.type === 'timeZoneName').value;
  return timeZone === 'UTC' ? timeZone : `${timeZone} (${offset}); hover over one to see it in UTC`;
}

function timeOf(instant, form) {
  const date = new Date(instant);
  const utc = date.toISOString();
  return el('time', { datetime: utc, title: `${utc.replace('T', ' ').replace('Z', '')} UTC` }, form.format(date));
}
