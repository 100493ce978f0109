// What may move: nothing while the reader has paused the page, and nothing while the page is hidden.

class Motion extends EventTarget {
  #paused = false;

  constructor() {
    super();
    document.addEventListener('visibilitychange', () => this.#announce());
  }

  get paused() {
    return this.#paused;
  }

  set paused(paused) {
    this.#paused = paused;
    this.#announce();
  }

  get allowed() {
    return !this.#paused && !document.hidden;
  }

  /** Aborts as soon as the page must not move any more. */
  stopped() {
    const controller = new AbortController();
    const check = () => {
      if (!this.allowed) {
        this.removeEventListener('change', check);
        controller.abort();
      }
    };
    this.addEventListener('change', check);
    check();
    return controller.signal;
  }

  #announce() {
    this.dispatchEvent(new Event('change'));
  }
}

export const motion = new Motion();

/** Resolves after the time, or earlier: when the page stops or resumes, or when the signal aborts. */
export function rest(milliseconds, signal) {
  return new Promise((resolve) => {
    const timer = Number.isFinite(milliseconds) ? setTimeout(done, milliseconds) : undefined;
    motion.addEventListener('change', done);
    signal.addEventListener('abort', done);
    function done() {
      clearTimeout(timer);
      motion.removeEventListener('change', done);
      signal.removeEventListener('abort', done);
      resolve();
    }
  });
}

/**
 * Does a task at once, and then again and again while the page may move.
 *
 * @param {function(): (void|Promise<void>)} task handles its own failures
 * @param {number} seconds from the end of one to the beginning of the next
 * @param {AbortSignal} signal ends the repetition
 */
export async function repeat(task, seconds, signal) {
  let due = true;
  while (!signal.aborted) {
    if (due || motion.allowed) {
      await task();
      due = false;
    }
    await rest(motion.allowed ? seconds * 1000 : Infinity, signal);
  }
}
