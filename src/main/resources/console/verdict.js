// Whether the books are right, in words.
import { duration, int, signed } from './format.js';

/** An audit that is older than so many intervals is late. */
const INTERVALS_MAX = 3;

/**
 * What an audit says.
 *
 * @param {object|null} audit the last one; null before the first one
 * @param {number} intervalSeconds between two audits
 * @param {number} nowMillis the time by Tally's clock
 * @returns {{tone: "good"|"bad"|"warn", sign: string, title: string, text: string, runbook: string|null}}
 */
export function verdict(audit, intervalSeconds, nowMillis) {
  if (audit === null) {
    return {
      tone: 'warn',
      sign: '…',
      title: 'Not audited yet',
      text: `This instance audits every ${duration(intervalSeconds)}.`,
      runbook: null,
    };
  }
  const lost = BigInt(audit.lostOperations);
  const drift = BigInt(audit.drift);
  if (lost !== 0n) {
    return {
      tone: 'bad',
      sign: '✕',
      title: 'Operations are lost',
      text: `The database has no record of ${int(lost)} acknowledged operations.`,
      runbook: 'TallyLostOperations',
    };
  }
  if (drift !== 0n) {
    return {
      tone: 'bad',
      sign: '✕',
      title: 'The books do not balance',
      text: `The counters and the changes that Tally wrote differ by ${signed(drift)}.`,
      runbook: 'TallyDrift',
    };
  }
  const age = (nowMillis - Date.parse(audit.at)) / 1000;
  if (age > INTERVALS_MAX * intervalSeconds) {
    return {
      tone: 'warn',
      sign: '!',
      title: 'The audit is late',
      text: `The books balanced ${duration(age)} ago. The interval of audits is ${duration(intervalSeconds)}.`,
      runbook: 'TallyAuditStale',
    };
  }
  return {
    tone: 'good',
    sign: '✓',
    title: 'The books balance',
    text: 'The counters are the sum of all changes that Tally wrote. No acknowledged operation is missing.',
    runbook: null,
  };
}
