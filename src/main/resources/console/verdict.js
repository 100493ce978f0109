// Whether the books are right, in words. Each instance audits for itself, and only its own audits see its losses.
import { duration, int, signed } from './format.js';

/** An audit that is older than so many intervals is late. */
const INTERVALS_MAX = 3;

/** The last audit of each instance that has answered. */
export class Audits {
  #last = new Map();

  /**
   * Adds an audit, unless a later one of the same instance is known.
   *
   * @param {string|null} instance null if it is not known, until the status of the instance has the same audit
   * @param {object|null} audit null before the first one
   */
  add(instance, audit) {
    if (audit === null || Date.parse(audit.at) < Date.parse(this.#last.get(instance)?.at)) {
      return;
    }
    if (this.#last.get(null)?.at === audit.at) {
      this.#last.delete(null);
    }
    this.#last.set(instance, audit);
  }

  /**
   * The audit that decides: the one with the largest loss; without a loss, the latest one.
   *
   * @returns {{instance: string|null, audit: object}|null} null before the first one
   */
  get worst() {
    const all = [...this.#last].map(([instance, audit]) => ({ instance, audit }));
    return all.reduce((worst, next) => (worst === null || isWorse(next.audit, worst.audit) ? next : worst), null);
  }
}

function isWorse(audit, other) {
  const [lost, lostByOther] = [audit, other].map(lossOf);
  return lost === lostByOther ? Date.parse(audit.at) > Date.parse(other.at) : lost > lostByOther;
}

function lossOf({ lostOperations }) {
  const lost = BigInt(lostOperations);
  return lost < 0n ? -lost : lost;
}

/**
 * What an audit says.
 *
 * @param {{instance: string|null, audit: object}|null} last the one that decides; null before the first one
 * @param {number} intervalSeconds between two audits
 * @param {number} nowMillis the time by Tally's clock
 * @returns {{tone: "good"|"bad"|"warn", sign: string, title: string, text: string, runbook: string|null}}
 */
export function verdict(last, intervalSeconds, nowMillis) {
  if (last === null) {
    return {
      tone: 'warn',
      sign: '…',
      title: 'Not audited yet',
      text: `This instance audits every ${duration(intervalSeconds)}.`,
      runbook: null,
    };
  }
  const { instance, audit } = last;
  const lost = BigInt(audit.lostOperations);
  const drift = BigInt(audit.drift);
  if (lost !== 0n) {
    return {
      tone: 'bad',
      sign: '✕',
      title: 'Operations are lost',
      text: `The database has no record of ${int(lost)} operations that ${instance ?? 'an instance'} acknowledged.`,
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
