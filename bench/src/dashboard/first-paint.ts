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

/** Of the overview of who is signed in: with an empty cache, and as every later time. */
export async function firstPaint({ page }: BrowserPage, origin: string): Promise<Measurement> {
  const devtools = await page.context().newCDPSession(page);
  const visit = async (isCold: boolean): Promise<number> => {
    if (isCold) await devtools.send('Network.clearBrowserCache');
    await page.goto(origin);
    return page.evaluate<number>(FIRST_CONTENTFUL_PAINT);
  };
  const cold: number[] = [];
  const warm: number[] = [];
  for (let turn = 0; turn < TURNS; turn++) {
    cold.push(await visit(true));
    warm.push(await visit(false));
  }
  const how = `first contentful paint of the overview, empty cache, median of ${TURNS}; warm: with the files cached`;
  const by = { how, cold, warm, warmMedian: median(warm) };
  return { ours: median(cold), peer: null, ratio: null, unit: 'ms', by };
}
