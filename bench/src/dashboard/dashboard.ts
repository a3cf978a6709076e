import { BrowserPage, chromiumPath } from '../../../tests/e2e/support/browser-page';
import { LiveCluster } from '../../../tests/e2e/support/live-cluster';
import type { Measurement } from '../measurement';
import { bundleSize } from './bundle-size';
import { firstPaint } from './first-paint';
import { fillDatabase } from './many-rows';
import { pageDelays } from './page-delays';

/** First paint, size and delays of the dashboard in Chromium, with as much to show as it should ever have. */
export async function benchDashboard(): Promise<Record<string, Measurement>> {
  const executable = chromiumPath();
  if (executable === undefined) throw new Error('no Chromium: install it to measure the dashboard');
  const cluster = await LiveCluster.start({ agents: 1 });
  try {
    const runId = await fillDatabase(cluster);
    const browser = await BrowserPage.launch(executable);
    try {
      await browser.signIn(cluster.endpoint);
      return {
        dashboard_bundle_kb: bundleSize(),
        dashboard_first_paint_ms: await firstPaint(browser, cluster.endpoint.http),
        dashboard_interaction_ms: await pageDelays(browser, cluster.endpoint.http, runId),
      };
    } finally {
      await browser.close();
    }
  } finally {
    await cluster.stop();
  }
}
