// Requests to the API of this Tally. The URLs are relative to the page, so that any prefix of a proxy works.

const ROOT = new URL('../', import.meta.url);

/** A response that is no success, as RFC 9457 has it; or no response at all, with the status 0. */
export class Problem extends Error {
  /**
   * @param {number} status
   * @param {object} body the members of the problem
   * @param {number|null} retryAfterSeconds
   */
  constructor(status, body, retryAfterSeconds = null) {
    super(body.detail ?? body.title);
    this.status = status;
    this.title = body.title;
    this.detail = body.detail ?? '';
    this.requestId = body.requestId ?? null;
    this.members = body;
    this.retryAfterSeconds = retryAfterSeconds;
  }

  /** The last part of the type, such as "not-found". */
  get type() {
    return (this.members.type ?? '').split('/').pop();
  }

  /** Whether the same request may succeed later. */
  get isTemporary() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }

  /** Whether the request may have been applied. */
  get isUnknownOutcome() {
    return this.status === 0 || this.type === 'outcome-unknown' || this.status === 502 || this.status === 504;
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
 * @throws {Problem}
 */
export async function read(path, signal) {
  return (await request('GET', path, { signal })).json();
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
  const response = await request(method, path, options);
  return response.status === 204 ? null : response.json();
}

/**
 * Opens a stream of events.
 *
 * @returns {Promise<ReadableStream<Uint8Array>>}
 * @throws {Problem}
 */
export async function stream(path, signal) {
  return (await request('GET', path, { headers: { Accept: 'text/event-stream' }, signal })).body;
}

async function request(method, path, { body, headers = {}, signal }) {
  // A form of another site cannot send this field: it proves that the request is the console's.
  const fields = { Prefer: 'int64=string', 'Tally-Console': 'true', ...headers };
  if (body !== undefined) {
    fields['Content-Type'] = 'application/json';
  }
  const response = await answered(method, url(path), {
    method,
    headers: fields,
    body: body === undefined ? undefined : JSON.stringify(body),
    signal,
    cache: 'no-store',
    credentials: 'same-origin',
  });
  if (response.ok) {
    return response;
  }
  const problem = await problemOf(response);
  if (response.status === 401) {
    whenUnauthenticated(problem);
  }
  throw problem;
}

async function answered(method, target, options) {
  try {
    return await fetch(target, options);
  } catch (failure) {
    if (failure.name === 'AbortError') {
      throw failure;
    }
    throw new Problem(0, {
      title: 'Tally did not respond',
      detail: `${method} ${target.pathname} got no response. The instance is down, or the network is.`,
    });
  }
}

async function problemOf(response) {
  const text = await response.text();
  const after = Number(response.headers.get('Retry-After') ?? NaN);
  const retryAfterSeconds = Number.isFinite(after) ? after : null;
  if ((response.headers.get('Content-Type') ?? '').includes('json')) {
    return new Problem(response.status, JSON.parse(text), retryAfterSeconds);
  }
  // A proxy answered.
  return new Problem(
    response.status,
    {
      title: `Status ${response.status}`,
      detail: 'The response is not one of Tally. A proxy in front of it may have sent it.',
      requestId: response.headers.get('X-Request-Id'),
    },
    retryAfterSeconds,
  );
}
