// Whether what is shown is live: in a word and with a sign.
import { el, write } from './dom.js';
import { say } from './messages.js';

const WORDS = {
  off: '',
  connecting: 'Connecting',
  live: 'Live',
  paused: 'Paused',
  lost: 'Reconnecting',
  ended: 'Ended',
};

/** The mark. Screen readers hear of a lost connection and of its return, and of nothing that ticks. */
export function liveMark() {
  const text = el('span');
  const element = el('span', { class: 'mark' }, el('span', { class: 'mark-dot', 'aria-hidden': 'true' }), text);
  let shown = null;
  update('off');

  /** Shows a state of a stream, why it is so, and what it covers. */
  function update(state, problem = null, coverage = '') {
    const words = [WORDS[state], coverage].filter((part) => part !== '').join(': ');
    write(text, problem === null || problem.status === 0 ? words : `${words}. ${problem.message}`);
    element.hidden = state === 'off';
    element.dataset.state = state;
    if (state === 'lost' && shown === 'live') {
      say('The connection is lost. The page reconnects.');
    } else if (state === 'live' && shown === 'lost') {
      say('The page is live again.');
    }
    if (state !== 'connecting') {
      shown = state;
    }
  }

  return { element, update };
}
