// A line of values over time. The canvas says nothing to screen readers: the table beside it has the same numbers.
import { el, fill } from './dom.js';
import { INT64_MAX, INT64_MIN, int } from './format.js';

const HEIGHT_PX = 216;

/** The chart is never narrower in time. */
const SPAN_MIN_SECONDS = 60;

/** A chart. Its library is loaded with the first one. */
export function chartOf(signal) {
  const canvas = el('div');
  const element = el('div', { class: 'chart', 'aria-hidden': 'true' }, el('p', {}, 'Since the page opened'), canvas);
  const dark = matchMedia('(prefers-color-scheme: dark)');
  let plot = null;
  let origin = 0n;
  let last = null;
  library().then(draw, () => fill(canvas, el('p', {}, 'The chart could not be loaded. The table has its values.')));
  dark.addEventListener('change', draw, { signal });
  const observer = new ResizeObserver(() => plot?.setSize({ width: canvas.clientWidth, height: HEIGHT_PX }));
  observer.observe(canvas);
  signal.addEventListener('abort', () => {
    observer.disconnect();
    plot?.destroy();
  });

  function draw() {
    if (last === null || signal.aborted || window.uPlot === undefined) {
      return;
    }
    plot?.destroy();
    fill(canvas);
    plot = new window.uPlot(options(canvas, () => origin), last, canvas);
  }

  /** Draws the points, and their last value up to a moment. */
  function update(points, until) {
    // Canvases calculate with Numbers: the differences to the first value are small enough for exact labels.
    origin = points[0].value;
    const times = points.map(({ at }) => at / 1000);
    const values = points.map(({ value }) => Number(value - origin));
    last = [[...times, until / 1000], [...values, values.at(-1)]];
    if (plot === null) {
      draw();
    } else {
      plot.setData(last);
    }
  }

  return { element, update };
}

function options(element, origin) {
  const style = getComputedStyle(element);
  const colour = (name) => style.getPropertyValue(name).trim();
  const axis = {
    stroke: colour('--muted'),
    font: `12px ${style.fontFamily}`,
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { show: false },
  };
  return {
    width: element.clientWidth,
    height: HEIGHT_PX,
    cursor: { show: false },
    legend: { show: false },
    scales: {
      x: { range: (_, first, end) => [Math.min(first, end - SPAN_MIN_SECONDS), end] },
      y: { range: (_, low, high) => (low === high ? [low - 1, high + 1] : [low, high]) },
    },
    axes: [
      { ...axis, size: 32, space: 88, values: (_, ticks) => ticks.map((tick) => clock.format(tick * 1000)) },
      { ...axis, size: widest, incrs: STEPS, values: (_, ticks) => ticks.map((tick) => label(tick, origin())) },
    ],
    series: [
      {},
      {
        stroke: colour('--accent'),
        width: 2,
        paths: window.uPlot.paths.stepped({ align: 1 }),
        points: { show: false },
      },
    ],
  };
}

/** The width of the labels of the values. */
function widest(_, labels) {
  return 16 + 8 * Math.max(1, ...(labels ?? []).map(({ length }) => length));
}

/** Ticks between two integers, and those that no counter reaches, have no label. */
function label(tick, origin) {
  const value = Number.isInteger(tick) ? origin + BigInt(tick) : null;
  return value === null || value < INT64_MIN || value > INT64_MAX ? '' : int(value);
}

/** The steps between labels of values are whole numbers. */
const STEPS = Array.from({ length: 19 }, (_, i) => [1, 2, 5].map((step) => step * 10 ** i)).flat();

const clock = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' });

let loading = null;

/** The library is a script of its own, which defines uPlot. After a failure, the next chart loads it again. */
function library() {
  loading ??= Promise.all([
    loaded(el('link', { rel: 'stylesheet', href: 'uPlot.min.css' })),
    loaded(el('script', { src: 'uPlot.iife.min.js' })),
  ]).catch((failure) => {
    loading = null;
    throw failure;
  });
  return loading;
}

function loaded(element) {
  return new Promise((resolve, reject) => {
    element.addEventListener('load', resolve);
    element.addEventListener('error', () => {
      element.remove();
      reject(new Error(`${element.tagName} could not be loaded.`));
    });
    document.head.append(element);
  });
}
