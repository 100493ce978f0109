// Requests to the API of this Tally. The URLs are relative to the page, so that any prefix of a proxy works.

const ROOT = new URL('../', import.meta.url);

/** What the types of Tally's problems begin with. */
const TYPES = '/problems/';

/** The types with the status 503 after which nothing was applied. */
const UNAVAILABLE = ['overloaded', 'store-unavailable', 'issuer-unavailable'];

/** The time-out of reads. */
const READ_SECONDS = 15;

/** A response that is no success, as RFC 9457 has it; or no usable response, with the status 0. */
export class Problem extends Error {
  /**
   * @param {number} status
   * @param {object} body the members of the problem
   * @param {number|null} retryAfterSeconds
   */
  constructor(status, body, retryAfterSeconds = null) {
    super(body.detail ?? body.title);
    this.status = status;
    this.title = body.title ?? `Status ${status}`;
    this.detail = body.detail ?? '';
    this.requestId = body.requestId ?? null;
    this.members = body;
    this.retryAfterSeconds = retryAfterSeconds;
  }

  /** The last part of the type, such as "not-found"; empty if the problem is none of Tally. */
  get type() {
    const { type } = this.members;
    return typeof type === 'string' && type.startsWith(TYPES) ? type.slice(TYPES.length) : '';
  }

  /** Whether the same request may succeed later. */
  get isTemporary() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }

  /** Whether the request may have been applied. */
  get isUnknownOutcome() {
    const isRefused = this.type !== '' && this.status >= 400 && this.status < 500;
    return !isRefused && !UNAVAILABLE.includes(this.type);
  }
}

let whenUnauthenticated = () => {};

/** Sets what happens when a request has no valid credentials any more. */
export function onUnauthenticated(callback) {
  whenUnauthenticated = callback;
}

/** The URL of a path of this Tally, such as "v1/caller". */
export function url(path) {
  return new URL(path, ROOT);
}

/** The path of a counter or of what belongs to it. */
export function counterPath(namespace, ...rest) {
  return ['v1/counters', ...[namespace, ...rest].map(encodeURIComponent)].join('/');
}

/**
 * Reads a resource.
 *
 * @returns {Promise<any>} the body, with 64-bit numbers as strings of digits
 * @throws {Problem} also after a time-out
 */
export async function read(path, signal) {
  const timeout = AbortSignal.timeout(READ_SECONDS * 1000);
  try {
    return (await exchange('GET', path, { signal: signal ? AbortSignal.any([signal, timeout]) : timeout })).body;
  } catch (failure) {
    if (timeout.aborted && !signal?.aborted) {
      throw new Problem(0, {
        title: 'Tally did not respond',
        detail: `GET ${url(path).pathname} got no response within ${READ_SECONDS} s.`,
      });
    }
    throw failure;
  }
}

/**
 * Changes something.
 *
 * @param {string} method
 * @param {string} path
 * @param {{body?: object, headers?: object, signal?: AbortSignal}} options
 * @returns {Promise<any>} the body; null if there is none
 * @throws {Problem}
 */
export async function change(method, path, options = {}) {
  return (await exchange(method, path, options)).body;
}

/**
 * Sends a request, and reads the whole response.
 *
 * @returns {Promise<{body: any, headers: Headers}>} the body is null if there is none
 * @throws {Problem}
 */
export function exchange(method, path, options) {
  return request(method, path, options, async (response) => {
    const { headers } = response;
    if (response.status === 204) {
      return { body: null, headers };
    }
    const body = parsed(await response.text());
    if (body === null) {
      throw new Problem(0, notOfTally(response));
    }
    return { body, headers };
  });
}

/**
 * Opens a stream of events.
 *
 * @returns {Promise<ReadableStream<Uint8Array>>}
 * @throws {Problem}
 */
export function stream(path, signal) {
  return request('GET', path, { headers: { Accept: 'text/event-stream' }, signal }, ({ body }) => body);
}

/**
 * Sends a request.
 *
 * @param {function(Response): any} receive gets a response with success
 * @throws {Problem} for every failure but an AbortError
 */
async function request(method, path, { body, headers = {}, signal }, receive) {
  const target = url(path);
  // A form of another site cannot send this field: it proves that the request is the console's.
  const fields = { Prefer: 'int64=string', 'Tally-Console': 'true', ...headers };
  if (body !== undefined) {
    fields['Content-Type'] = 'application/json';
  }
  const options = {
    method,
    headers: fields,
    body: body === undefined ? undefined : JSON.stringify(body),
    signal,
    cache: 'no-store',
    credentials: 'same-origin',
  };
  try {
    const response = await fetch(target, options);
    if (response.ok) {
      return await receive(response);
    }
    throw await problemOf(response);
  } catch (failure) {
    if (failure.status === 401) {
      whenUnauthenticated(failure);
    }
    if (failure instanceof Problem || failure.name === 'AbortError') {
      throw failure;
    }
    throw new Problem(0, {
      title: 'Tally did not respond',
      detail: `${method} ${target.pathname} got no complete response. The instance is down, or the network is.`,
    });
  }
}

async function problemOf(response) {
  const text = await response.text();
  const isOfTally = (response.headers.get('Content-Type') ?? '').startsWith('application/problem+json');
  const body = (isOfTally ? parsed(text) : null) ?? notOfTally(response);
  const after = Number(response.headers.get('Retry-After') ?? NaN);
  return new Problem(response.status, body, Number.isFinite(after) ? after : null);
}

/** An object or an array; null for every other text. */
function parsed(text) {
  try {
    const value = JSON.parse(text);
    return typeof value === 'object' ? value : null;
  } catch {
    return null;
  }
}

function notOfTally({ status, headers }) {
  return {
    title: `Status ${status}`,
    detail: 'The response is not one of Tally. A proxy in front of it may have sent it.',
    requestId: headers.get('X-Request-Id'),
  };
}
