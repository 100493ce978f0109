// Who the reader is, and what the credentials allow. The credentials themselves are in a cookie that scripts cannot
// read.
import { Problem, change, read } from './api.js';

/** The name of callers in the modes without credentials. */
const ANONYMOUS = 'anonymous';

class Session {
  #caller = null;
  #grants = [];
  #features = { keys: false, lab: false };

  /** The name of the caller; null before the sign-in. */
  get caller() {
    return this.#caller;
  }

  /** Whether the reader signed in, and so can sign out. */
  get isSignedIn() {
    return this.#caller !== null && this.#caller !== ANONYMOUS;
  }

  /** What this Tally has besides counters. */
  get features() {
    return this.#features;
  }

  /** Whether the caller may do this in a namespace; without one, in all namespaces. */
  may(action, namespace = '*') {
    return this.#grants.some(
      (grant) =>
        grant.actions.includes(action) && grant.namespaces.some((pattern) => covers(pattern, namespace)),
    );
  }

  /**
   * Asks Tally who the caller is.
   *
   * @throws {Problem} with the status 401 if the reader has to sign in
   */
  async load() {
    this.forget();
    const { caller, grants } = await read('v1/caller');
    this.#grants = grants;
    this.#features = await this.#loadFeatures();
    this.#caller = caller;
  }

  /**
   * Signs in with an access key, a root key or a token.
   *
   * @throws {Problem} also if the browser does not send the cookie that Tally has set
   */
  async signIn(key) {
    await change('POST', 'console/session', { body: { key } });
    try {
      await this.load();
    } catch (problem) {
      throw problem.status === 401 ? cookieProblem(problem) : problem;
    }
  }

  async signOut() {
    await change('DELETE', 'console/session');
    this.forget();
  }

  /** The credentials are not valid any more. */
  forget() {
    this.#caller = null;
    this.#grants = [];
  }

  /** A caller who may not read the status tries the screens, which explain a 404. */
  async #loadFeatures() {
    const admin = this.may('admin');
    if (!admin || !this.may('read')) {
      return { keys: admin, lab: admin };
    }
    try {
      const { keys, lab } = await read('console/status');
      return { keys, lab };
    } catch (problem) {
      if (problem instanceof Problem && problem.status !== 401) {
        return { keys: true, lab: true };
      }
      throw problem;
    }
  }
}

export const session = new Session();

/** Tally has accepted the credentials, and the next request had none that are valid. */
function cookieProblem({ status, members }) {
  return new Problem(status, {
    ...members,
    title: 'The session cookie does not work',
    detail:
      'Tally accepted the key, but then the browser sent no session cookie, or two. Allow cookies for this site, or ' +
      'delete them. A proxy in front of Tally must set X-Forwarded-Prefix to the prefix of the path, and ' +
      'X-Forwarded-Proto to the scheme of the page.',
  });
}

/** Whether a namespace of a grant, which may end with "*", covers a namespace. */
function covers(pattern, namespace) {
  return pattern.endsWith('*') ? namespace.startsWith(pattern.slice(0, -1)) : pattern === namespace;
}
