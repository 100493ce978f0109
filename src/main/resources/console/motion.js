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

  #announce() {
    this.dispatchEvent(new Event('change'));
  }
}

export const motion = new Motion();

/**
 * Does a task that ends when the page must not move any more.
 *
 * @param {AbortSignal} signal
 * @param {function(AbortSignal): Promise<any>} task gets a signal that aborts with that one, or when the page stops
 */
export async function whileMoving(signal, task) {
  const stop = new AbortController();
  const check = () => motion.allowed || stop.abort();
  motion.addEventListener('change', check);
  try {
    return await task(AbortSignal.any([signal, stop.signal]));
  } finally {
    motion.removeEventListener('change', check);
  }
}

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
