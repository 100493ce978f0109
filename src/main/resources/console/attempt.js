// One write under one idempotency key. If its outcome is unknown, the same write again counts once.
import { Problem, change } from './api.js';

/** The writes of one form. */
export class Attempt {
  #content = null;
  #key = null;

  /**
   * Sends a write. The same write after an unknown outcome has the same key; every other write has a new one.
   *
   * @returns {Promise<any>} the body of the response
   * @throws {Problem}
   */
  async send(method, path, { body, headers = {} } = {}) {
    const content = JSON.stringify([method, path, body ?? null]);
    if (content !== this.#content) {
      this.#content = content;
      this.#key = randomKey();
    }
    try {
      const answer = await change(method, path, { body, headers: { ...headers, 'Idempotency-Key': this.#key } });
      this.#content = null;
      return answer;
    } catch (problem) {
      if (!(problem instanceof Problem) || !problem.isUnknownOutcome) {
        this.#content = null;
      }
      throw problem;
    }
  }
}

/** 128 random bits. Browsers have no randomUUID over http without TLS. */
function randomKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
