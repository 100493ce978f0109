// Forms that send one request at a time.

/**
 * A listener for the submit events of a form. Until the task has ended, further submits are ignored, and the button
 * says that it is disabled. It keeps the focus, unlike a button with the attribute "disabled".
 *
 * @param {function(): Promise<void>} task handles its own problems
 */
export function submitting(task) {
  let isRunning = false;
  return async (event) => {
    event.preventDefault();
    if (isRunning) {
      return;
    }
    const control = event.currentTarget.querySelector('button:not([type="button"])');
    isRunning = true;
    control.setAttribute('aria-disabled', 'true');
    try {
      await task();
    } finally {
      isRunning = false;
      control.removeAttribute('aria-disabled');
    }
  };
}
