// Requests as lines of curl, for a shell.
import { url } from './api.js';
import { session } from './session.js';

/**
 * A request as a line of curl. Every part that could come from a client is quoted for a POSIX shell.
 *
 * @param {string} path such as "v1/caller"
 * @param {{method?: string, headers?: string[], body?: object}} options
 */
export function curl(path, { method = 'GET', headers = [], body } = {}) {
  const parts = ['curl'];
  if (method !== 'GET') {
    parts.push('-X', method);
  }
  parts.push(quoted(url(path).href));
  if (session.isSignedIn) {
    parts.push('-H', '"Authorization: Bearer $KEY"');
  }
  for (const header of headers) {
    parts.push('-H', quoted(header));
  }
  if (body !== undefined) {
    parts.push('-H', quoted('Content-Type: application/json'), '-d', quoted(JSON.stringify(body)));
  }
  return parts.join(' ');
}

function quoted(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
