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

/** Resolves after the time, but not before the page may move; or when the signal aborts. */
export async function restUntilMoving(milliseconds, signal) {
  await rest(motion.allowed ? milliseconds : Infinity, signal);
  while (!motion.allowed && !signal.aborted) {
    await rest(Infinity, signal);
  }
}

/**
 * Does a task at once, and then again and again while the page may move. If the task fails, the repetition goes on. The
 * first of several failures in a row is an unhandled rejection of the window, which tells the reader.
 *
 * @param {function(): (void|Promise<void>)} task
 * @param {number} seconds from the end of one to the beginning of the next
 * @param {AbortSignal} signal ends the repetition
 */
export async function repeat(task, seconds, signal) {
  let due = true;
  let failed = false;
  while (!signal.aborted) {
    if (due || motion.allowed) {
      due = false;
      try {
        await task();
        failed = false;
      } catch (failure) {
        if (!failed) {
          Promise.reject(failure);
        }
        failed = true;
      }
    }
    await rest(motion.allowed ? seconds * 1000 : Infinity, signal);
  }
}
