// Live streams. They read the body of a fetch instead of an EventSource: that tells a missing counter from an absent
// instance, sees the heartbeats, and may set its own waits between attempts.
import { Problem, stream } from './api.js';
import { motion, rest, whileMoving } from './motion.js';

const WAIT_MIN_MS = 1_000;
const WAIT_MAX_MS = 30_000;

/**
 * A connection that is silent for longer counts as lost. Tally sends a heartbeat every 15 s by default, and at least
 * every 10 min: each loss by silence doubles the limit, up to more than two of the longest intervals.
 */
const SILENCE_MIN_MS = 50_000;
const SILENCE_MAX_MS = 21 * 60_000;

/**
 * Follows a stream of events, and reconnects until the signal aborts. The stream is closed while the page is paused or
 * hidden, and opened again after that.
 *
 * @param {string} path of the stream
 * @param {object} handlers
 * @param {AbortSignal} handlers.signal
 * @param {function({type: string, data: any}): (boolean|void)} handlers.onEvent true ends it
 * @param {function(("connecting"|"live"|"paused"|"lost"|"ended"), Problem=): void} handlers.onState
 */
export async function follow(path, { signal, onEvent, onState }) {
  let failures = 0;
  let silenceMs = SILENCE_MIN_MS;
  onState('connecting');
  while (!signal.aborted) {
    if (!motion.allowed) {
      onState('paused');
      await rest(Infinity, signal);
      continue;
    }
    const { isDone, isSilent, problem } = await whileMoving(signal, (open) =>
      listen(path, open, silenceMs, (event) => {
        failures = 0;
        onState('live');
        return onEvent(event);
      }),
    );
    if (isDone) {
      return;
    }
    if (isSilent) {
      silenceMs = Math.min(SILENCE_MAX_MS, 2 * silenceMs);
    }
    if (problem && !mayReturn(problem)) {
      onState('ended', problem);
      return;
    }
    if (motion.allowed && !signal.aborted) {
      onState('lost', problem);
      await rest(wait(failures), signal);
      failures += 1;
    }
  }
}

/** Whether a later request may succeed. A 404 that is not Tally's comes from a proxy that has no instance just now. */
export function mayReturn(problem) {
  return problem.isTemporary || (problem.status === 404 && problem.type !== 'not-found');
}

/** Doubles with each failure, with jitter, so that the pages of many readers do not return at once. */
function wait(failures) {
  return Math.min(WAIT_MAX_MS, WAIT_MIN_MS * 2 ** failures) * (0.5 + Math.random() / 2);
}

/**
 * Listens to one connection, until it ends.
 *
 * @returns {Promise<{isDone: boolean, isSilent: boolean, problem: Problem|null}>} whether an event was the last one,
 *     whether silence ended the connection, and why there was none
 */
async function listen(path, signal, silenceMs, onEvent) {
  const silence = new AbortController();
  try {
    for await (const event of events(path, signal, silence, silenceMs)) {
      if (onEvent(event) === true) {
        return { isDone: true, isSilent: false, problem: null };
      }
    }
  } catch (failure) {
    if (failure instanceof Problem) {
      return { isDone: false, isSilent: false, problem: failure };
    }
    if (failure.name !== 'AbortError') {
      throw failure;
    }
  }
  return { isDone: false, isSilent: silence.signal.aborted, problem: null };
}

/** Ends with the connection, whether the instance, the network, the signal or the silence ended it. */
async function* events(path, signal, silence, silenceMs) {
  const body = await stream(path, AbortSignal.any([signal, silence.signal]));
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let begun = '';
  for (;;) {
    const timer = setTimeout(() => silence.abort(), silenceMs);
    const { done, value } = await reader.read().catch(() => ({ done: true }));
    clearTimeout(timer);
    if (done) {
      return;
    }
    const blocks = (begun + value).split('\n\n');
    begun = blocks.pop();
    yield* blocks.map(parse).filter((event) => event !== null);
  }
}

/** An event; null for a heartbeat, which has no data. */
function parse(block) {
  let type = 'message';
  let data = null;
  for (const line of block.split('\n')) {
    if (line.startsWith('event:')) {
      type = line.slice(6).trim();
    } else if (line.startsWith('data:')) {
      data = line.slice(5);
    }
  }
  return data === null ? null : { type, data: JSON.parse(data) };
}
