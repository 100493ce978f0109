import { FetchError, ResponseError } from "./tally/index.js";

const LIMIT_MS = 60_000;
const FIRST_PAUSE_MS = 50;
const DOUBLINGS_MAX = 6;
/** Too many requests, and what Tally or a gateway says while it cannot answer. */
const TRANSIENT = [429, 502, 503, 504];

/** Retries a write. All tries have the same key, so that Tally counts them once. */
export function underKey<T>(key: string, send: (key: string) => Promise<T>): Promise<T> {
  return repeatable(() => send(key));
}

/**
 * Retries a request that may arrive twice without a key: a read, or a get-or-create. Retries until Tally answers, or
 * until a minute has passed.
 */
export async function repeatable<T>(send: () => Promise<T>): Promise<T> {
  const end = Date.now() + LIMIT_MS;
  for (let retry = 0; ; retry++) {
    try {
      return await send();
    } catch (failure) {
      if (!isTransient(failure) || Date.now() > end) {
        throw failure;
      }
      await sleep(retryAfterMs(failure) + jitterMs(retry));
    }
  }
}

export function isTransient(failure: unknown): boolean {
  if (failure instanceof ResponseError) {
    return TRANSIENT.includes(failure.response.status);
  }
  // No response; or a body that broke off, which fetch reports as a TypeError, or that took too long.
  return failure instanceof FetchError || failure instanceof TypeError || (failure as Error).name === "TimeoutError";
}

function retryAfterMs(failure: unknown): number {
  const seconds = failure instanceof ResponseError ? failure.response.headers.get("Retry-After") : null;
  return (Number(seconds) || 0) * 1_000;
}

/** A random pause, so that clients do not return all at once. Its limit doubles with each retry. */
export function jitterMs(retry: number): number {
  return Math.random() * FIRST_PAUSE_MS * 2 ** Math.min(retry, DOUBLINGS_MAX);
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
