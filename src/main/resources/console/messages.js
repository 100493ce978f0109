// Short messages for the reader, in the region with role=status.

/** Shows a sentence until the next one or the next screen, and has screen readers read it. */
export function say(text) {
  document.getElementById('status').textContent = text;
}

/** Removes the sentence. */
export function hush() {
  document.getElementById('status').textContent = '';
}
