// How many requests were handled, refused and failed lately, from what was read since the page opened.
const SPAN_MS = 60_000;

const NAMES = ['handled', 'refused', 'failed'];

/** Differences of totals over the last minute, for each instance that answered. */
export class Rates {
  #samples = new Map();

  /**
   * Adds what an instance counted since its start.
   *
   * @returns {{seconds: number, handled: bigint, refused: bigint, failed: bigint}|null} what came since the oldest
   *     sample of the last minute; null for the first one of an instance
   */
  add(instance, startedAt, requests) {
    const key = `${instance} ${startedAt}`;
    const now = Date.now();
    const samples = (this.#samples.get(key) ?? []).filter(({ at }) => now - at <= SPAN_MS);
    const totals = Object.fromEntries(NAMES.map((name) => [name, BigInt(requests[name])]));
    samples.push({ at: now, totals });
    this.#samples.set(key, samples);
    this.#forget(now);
    const [oldest] = samples;
    if (samples.length === 1) {
      return null;
    }
    const differences = NAMES.map((name) => [name, totals[name] - oldest.totals[name]]);
    return { seconds: Math.round((now - oldest.at) / 1000), ...Object.fromEntries(differences) };
  }

  /** An instance that has not answered during the last minute may have stopped. */
  #forget(now) {
    for (const [key, samples] of this.#samples) {
      if (now - samples.at(-1).at > SPAN_MS) {
        this.#samples.delete(key);
      }
    }
  }
}
