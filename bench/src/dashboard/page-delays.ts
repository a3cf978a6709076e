import type { Locator, Page } from 'playwright-core';
import type { BrowserPage } from '../../../tests/e2e/support/browser-page';
import { type Measurement, median } from '../measurement';
import { POINT_COUNT, RUN_COUNT } from './many-rows';

const TURNS = 20;
const QUIET_MS = 350;
const LOAD_TIMEOUT_MS = 120_000;

/**
 * Run in the page: for each event the time until the frame after it was drawn, handlers, layout and painting included.
 * What is deferred past that frame, so that typing stays fluent, counts in `shown`: the last change of a table's rows.
 */
const OBSERVE = `
  window.delays = { click: [], keydown: [], wheel: [], pointermove: [] };
  window.began = 0;
  window.changed = 0;
  for (const type of Object.keys(delays)) {
    addEventListener(type, ({ timeStamp }) => {
      window.began = timeStamp;
      requestAnimationFrame(() => setTimeout(() => delays[type].push(performance.now() - timeStamp)));
    }, { capture: true, passive: true });
  }
  new MutationObserver(() => (window.changed = performance.now())).observe(document.querySelector('#main'), {
    ...{ subtree: true, childList: true, attributeFilter: ['aria-sort', 'aria-rowcount', 'aria-rowindex'] },
  });`;

interface Delay {
  readonly medianMs: number;
  readonly p95Ms: number;
  /** Median until what was asked for stood there. */
  readonly shownMs?: number;
}

/** Sorting, filtering and scrolling 10,000 runs, and pointing at the chart of a million points. */
export async function pageDelays({ page }: BrowserPage, origin: string, runId: string): Promise<Measurement> {
  const tableMs = await timed(() => openRuns(page, origin));
  await page.evaluate(OBSERVE);
  const sort = await sortDelays(page);
  const filter = await filterDelays(page);
  const scroll = await scrollDelays(page);
  const chart = page.getByRole('img', { name: /^Loss by step: training/ });
  const chartMs = await timed(() => openRun(page, { url: `${origin}/runs/${runId}`, chart }));
  await page.evaluate(OBSERVE);
  const point = await pointDelays(page, chart);
  const parts = { sort, filter, scroll, point };
  const how =
    `95th percentile from event to next paint, the worst of sorting, filtering and scrolling ${RUN_COUNT} runs and ` +
    `pointing at the chart of ${POINT_COUNT} points, ${TURNS} times each; tableMs, chartMs: from address to all shown`;
  const worst = Math.max(...Object.values(parts).map(({ p95Ms }) => p95Ms));
  return { ours: worst, peer: null, ratio: null, unit: 'ms', by: { how, ...parts, tableMs, chartMs } };
}

async function openRuns(page: Page, origin: string): Promise<void> {
  await page.goto(`${origin}/runs`);
  const count = page.getByText(RUN_COUNT.toLocaleString('en'), { exact: true });
  await count.waitFor({ timeout: LOAD_TIMEOUT_MS });
}

async function openRun(page: Page, { url, chart }: { url: string; chart: Locator }): Promise<void> {
  await page.goto(url);
  await chart.waitFor({ timeout: LOAD_TIMEOUT_MS });
}

async function sortDelays(page: Page): Promise<Delay> {
  const headings = page.locator('th .sort');
  const columnCount = await headings.count();
  return repeat(page, 'click', async (turn) => headings.nth(turn % columnCount).click());
}

async function filterDelays(page: Page): Promise<Delay> {
  await page.getByLabel('Search').focus();
  // A key that narrows, and one that takes it back.
  return repeat(page, 'keydown', async (turn) => page.keyboard.press(turn % 2 === 0 ? '7' : 'Backspace'));
}

async function scrollDelays(page: Page): Promise<Delay> {
  await page.getByRole('region', { name: 'Runs, table' }).hover();
  return repeat(page, 'wheel', async () => page.mouse.wheel(0, 1_000));
}

async function pointDelays(page: Page, chart: Locator): Promise<Delay> {
  const box = (await chart.boundingBox())!;
  const { medianMs, p95Ms } = await repeat(page, 'pointermove', async (turn) =>
    page.mouse.move(box.x + 60 + turn * 20, box.y + box.height / 2),
  );
  // No table changes here.
  return { medianMs, p95Ms };
}

/** One at a time: a real hand waits for what it sees. */
async function repeat(page: Page, type: string, act: (turn: number) => Promise<void>): Promise<Delay> {
  const shown: number[] = [];
  for (let turn = 0; turn < TURNS; turn++) {
    await act(turn);
    await page.waitForTimeout(QUIET_MS);
    shown.push(await page.evaluate<number>('changed - began'));
  }
  const delays = await page.evaluate<number[]>(`delays.${type}`);
  return { medianMs: median(delays), p95Ms: percentile(delays, 0.95), shownMs: median(shown.filter((ms) => ms > 0)) };
}

function percentile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? Number.NaN;
}

async function timed(act: () => Promise<void>): Promise<number> {
  const startedMs = performance.now();
  await act();
  return performance.now() - startedMs;
}
