// Writes under idempotency keys. If the outcome of a write is unknown, the same write again counts once.
import { Problem, exchange } from './api.js';

/** What the reader of a replayed response must know. */
export const REPLAYED = 'The first request had been applied already; this one changed nothing.';

const UNKNOWN =
  'The outcome is unknown. Submit the form again as it is: both requests have the same key and are applied once.';

/** The writes of one form. */
export class Attempt {
  /** The content and the key of the last write, until its outcome is known. */
  #open = null;
  #wasReplayed = false;

  /** Whether the last response was that of an earlier request with the same key. */
  get wasReplayed() {
    return this.#wasReplayed;
  }

  /**
   * Sends a write. The same write after an unknown outcome has the same key; every other write has a new one.
   *
   * @returns {Promise<any>} the body of the response
   * @throws {Problem} its detail says what to do after an unknown outcome
   */
  async send(method, path, { body, headers = {} } = {}) {
    const content = JSON.stringify([method, path, body ?? null, headers]);
    const write = this.#open?.content === content ? this.#open : { content, key: randomKey() };
    this.#open = write;
    try {
      const answer = await exchange(method, path, { body, headers: { ...headers, 'Idempotency-Key': write.key } });
      this.#close(write);
      this.#wasReplayed = answer.headers.get('Idempotency-Replayed') === 'true';
      return answer.body;
    } catch (problem) {
      if (problem instanceof Problem && problem.isUnknownOutcome) {
        problem.detail = `${problem.detail} ${UNKNOWN}`.trim();
      } else {
        this.#close(write);
      }
      throw problem;
    }
  }

  #close(write) {
    if (this.#open === write) {
      this.#open = null;
    }
  }
}

/** 128 random bits. Browsers have no randomUUID over http without TLS. */
function randomKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
