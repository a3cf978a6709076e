import type { BrowserPage } from '../../../tests/e2e/support/browser-page';
import { type Measurement, median } from '../measurement';

const TURNS = 7;
/** Run in the page: when the first text or picture was drawn, in ms since the page was asked for. */
const FIRST_CONTENTFUL_PAINT = `new Promise((resolve) => {
  new PerformanceObserver((list, observer) => {
    const [entry] = list.getEntriesByName('first-contentful-paint');
    if (entry === undefined) return;
    observer.disconnect();
    resolve(entry.startTime);
  }).observe({ type: 'paint', buffered: true });
})`;

interface Visit {
  readonly paintMs: number;
  readonly wholeMs: number;
}

/** Of the overview of who is signed in: with an empty cache, and as every later time. */
export async function firstPaint({ page }: BrowserPage, origin: string): Promise<Measurement> {
  const devtools = await page.context().newCDPSession(page);
  const visit = async (isCold: boolean): Promise<Visit> => {
    if (isCold) await devtools.send('Network.clearBrowserCache');
    const startedMs = performance.now();
    await page.goto(origin, { waitUntil: 'commit' });
    await page.getByText('Tokens per second').waitFor();
    const wholeMs = performance.now() - startedMs;
    return { paintMs: await page.evaluate<number>(FIRST_CONTENTFUL_PAINT), wholeMs };
  };
  const cold: Visit[] = [];
  const warm: Visit[] = [];
  for (let turn = 0; turn < TURNS; turn++) {
    cold.push(await visit(true));
    warm.push(await visit(false));
  }
  const how =
    `first contentful paint of the overview, empty cache, median of ${TURNS}; warm: with the files cached; ` +
    'wholeMs: until the figures of the overview are there';
  const by = { how, cold: medianOf(cold), warm: medianOf(warm), turns: { cold, warm } };
  return { ours: by.cold.paintMs, peer: null, ratio: null, unit: 'ms', by };
}

function medianOf(visits: readonly Visit[]): Visit {
  return {
    paintMs: median(visits.map(({ paintMs }) => paintMs)),
    wholeMs: median(visits.map(({ wholeMs }) => wholeMs)),
  };
}
