// Starts the console: the frame of the page, and the screen that the URL names.
import { onUnauthenticated } from './api.js';
import books from './books.js';
import counter from './counter.js';
import counters from './counters.js';
import { button, el, fill } from './dom.js';
import keys from './keys.js';
import lab from './lab.js';
import { hush, say } from './messages.js';
import { motion } from './motion.js';
import namespaces from './namespaces.js';
import { problemView } from './problem.js';
import { hashOf, parse, replace } from './router.js';
import { session } from './session.js';
import { signIn } from './signin.js';
import { zone } from './time.js';

/**
 * The screens. Each has a title, and shows itself in an element until its signal aborts. What it returns, if anything,
 * takes later queries of the same place. Those with a name and whose condition holds are in the navigation.
 */
const SCREENS = [
  { name: 'Books', path: [], screen: books, when: () => session.may('read') },
  { name: 'Counters', path: ['counters'], screen: namespaces },
  { path: ['counters', null], screen: counters },
  { path: ['counters', null, null], screen: counter },
  { name: 'Keys', path: ['keys'], screen: keys, when: () => session.features.keys },
  { name: 'Lab', path: ['lab'], screen: lab, when: () => session.features.lab },
];

const main = document.getElementById('main');

/** What is shown: the place without its query, what takes a new query, and what ends it. */
let shown = { place: null, update: null, leaving: new AbortController() };

addEventListener('hashchange', () => show());
addEventListener('unhandledrejection', (event) => say(`Unexpected failure of the page: ${event.reason}`));
onUnauthenticated(() => {
  if (session.isSignedIn) {
    session.forget();
    show();
    say('The session has ended. Sign in again.');
  }
});
document.getElementById('skip').addEventListener('click', (event) => {
  event.preventDefault();
  main.focus();
});
document.getElementById('zone').textContent = `Times are in ${zone()}.`;
start();

async function start() {
  try {
    await session.load();
  } catch (problem) {
    if (problem.status !== 401) {
      const title = problem.status === 0 ? 'Tally does not respond' : problem.title;
      fill(main, el('h1', {}, title), problemView(problem), button('Try again', start));
      return;
    }
  }
  show();
}

/** Shows the screen of the URL, or the sign-in in its place. */
function show() {
  const place = parse(location.hash);
  if (session.caller !== null && place?.segments.length === 0 && !session.may('read')) {
    // The books need "read" in all namespaces.
    replace(hashOf(['counters']));
    return;
  }
  const known = place && SCREENS.find(({ path }) => matches(path, place.segments));
  const key = session.caller === null ? 'sign-in' : JSON.stringify(place?.segments ?? null);
  if (key === shown.place && shown.update !== null) {
    shown.update(place.query);
    return;
  }
  const first = shown.place === null;
  shown.leaving.abort();
  shown = { place: key, update: null, leaving: new AbortController() };
  hush();
  showFrame(known);
  const content = el('div', { class: 'screen' });
  fill(main, content);
  scrollTo(0, 0);
  if (session.caller === null) {
    document.title = 'Sign in · Tally';
    signIn(content, show);
  } else if (known) {
    document.title = `${known.screen.title(place.segments)} · Tally`;
    shown.update = known.screen.show(content, { ...place, signal: shown.leaving.signal }) ?? null;
  } else {
    document.title = 'Not found · Tally';
    fill(content, el('h1', {}, 'There is no such screen'), el('p', {}, el('a', { href: '#/' }, 'Books')));
  }
  if (!first) {
    focusHeading();
  }
}

function matches(path, segments) {
  return path.length === segments.length && path.every((part, i) => part === null || part === segments[i]);
}

/** The reader of a new screen begins at its heading. The sign-in has set the focus to its field. */
function focusHeading() {
  const heading = main.querySelector('h1');
  if (heading !== null && !main.contains(document.activeElement)) {
    heading.tabIndex = -1;
    heading.focus();
  }
}

// ---- the frame

function showFrame(known) {
  const links = session.caller === null ? [] : SCREENS.filter(({ name, when }) => name && (when?.() ?? true));
  const current = known && links.findLast(({ path }) => path.every((part, i) => part === known.path[i]));
  fill(
    document.getElementById('screens'),
    links.map((link) =>
      el('a', { href: hashOf(link.path), 'aria-current': link === current && 'page' }, link.name),
    ),
  );
  fill(document.getElementById('tools'), session.caller === null ? [] : tools());
}

function tools() {
  return [
    session.isSignedIn && el('span', { class: 'caller' }, session.caller),
    pauseButton(),
    session.isSignedIn && button('Sign out', signOut, { class: 'quiet' }),
  ];
}

/** Pauses and resumes everything that moves. */
function pauseButton() {
  const label = () => (motion.paused ? 'Resume' : 'Pause');
  return button(
    label(),
    (event) => {
      motion.paused = !motion.paused;
      event.currentTarget.textContent = label();
      say(motion.paused ? 'Paused. The page does not change until you resume.' : 'Resumed.');
    },
    { class: 'quiet' },
  );
}

async function signOut() {
  try {
    await session.signOut();
  } catch (problem) {
    say(`The sign-out failed. ${problem.message}`);
    return;
  }
  show();
}
