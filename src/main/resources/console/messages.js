// Short messages for the reader, in the region with role=status.
const SHOWN_MS = 12_000;

let timer;

/** Shows a sentence, and has screen readers read it. */
export function say(text) {
  const region = document.getElementById('status');
  region.textContent = text;
  clearTimeout(timer);
  timer = setTimeout(hush, SHOWN_MS);
}

/** Removes the sentence. */
export function hush() {
  document.getElementById('status').textContent = '';
}
