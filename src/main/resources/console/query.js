// Query parameters, of the API and of the hash alike.

/** A path with parameters; those that are empty or null are left out. */
export function withQuery(path, parameters) {
  const text = Object.entries(parameters)
    .filter(([, value]) => value !== null && value !== undefined && value !== '')
    .flatMap(([name, values]) => [values].flat().map((value) => `${name}=${encodeURIComponent(value)}`))
    .join('&');
  return text === '' ? path : `${path}?${text}`;
}
