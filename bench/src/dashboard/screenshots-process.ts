import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { BrowserPage, chromiumPath } from '../../../tests/e2e/support/browser-page';
import { dashboardPaths } from '../../../tests/e2e/support/dashboard-paths';
import { LiveCluster } from '../../../tests/e2e/support/live-cluster';
import { ROOT } from '../paths';
import { type Trained, trainToShow } from './train-to-show';

/** The pictures of the documentation: file and page; `dark` by the theme. */
const IMAGES = ({ live, finished }: Trained): readonly Picture[] => [
  { file: 'overview.png', path: '/', theme: 'light' },
  { file: 'run.png', path: `/runs/${live}`, theme: 'light' },
  { file: 'timeline.png', path: `/runs/${finished}?tab=timeline`, theme: 'dark' },
  { file: 'submit.png', path: '/submit', theme: 'light' },
];
const DESKTOP = { width: 1360, height: 860 };
const PHONE = { width: 390, height: 844 };
/** Until charts and drawings have what they asked for. */
const SETTLE_MS = 2_000;

interface Picture {
  readonly file: string;
  readonly path: string;
  readonly theme: 'light' | 'dark';
  readonly isPhone?: boolean;
}

/** Trains on two agents and takes pictures: those of docs/images, or of every page into the folder that is named. */
async function main(folder: string | undefined): Promise<void> {
  const executable = chromiumPath();
  if (executable === undefined) throw new Error('no Chromium: install it to take pictures');
  const target = folder ?? join(ROOT, 'docs', 'images');
  mkdirSync(target, { recursive: true });
  const cluster = await LiveCluster.start({ agents: 2 });
  const browser = await BrowserPage.launch(executable);
  try {
    const trained = await trainToShow(cluster);
    await browser.signIn(cluster.endpoint);
    const pictures = folder === undefined ? IMAGES(trained) : await allPages(cluster, trained.live);
    for (const picture of pictures) await take(browser, { ...picture, target, origin: cluster.endpoint.http });
  } finally {
    await browser.close();
    await cluster.stop();
  }
}

/** Every page in every look, the whole of it. */
async function allPages(cluster: LiveCluster, runId: string): Promise<Picture[]> {
  const paths = await dashboardPaths(cluster.client, runId);
  return paths.flatMap((path): Picture[] => {
    const name =
      path
        .replace(/\/(run|agent|dataset)_\w+/, '/one')
        .replace(/\W+/g, '-')
        .replace(/^-/, '') || 'overview';
    return [
      { file: `${name}-light.png`, path, theme: 'light' },
      { file: `${name}-dark.png`, path, theme: 'dark' },
      { file: `${name}-phone.png`, path, theme: 'light', isPhone: true },
      { file: `${name}-phone-dark.png`, path, theme: 'dark', isPhone: true },
    ];
  });
}

interface Shot extends Picture {
  readonly target: string;
  readonly origin: string;
}

async function take(browser: BrowserPage, { file, path, theme, isPhone, target, origin }: Shot): Promise<void> {
  const { page } = browser;
  await page.setViewportSize(isPhone === true ? PHONE : DESKTOP);
  await browser.open(origin + path);
  await browser.useTheme(theme);
  await page.waitForTimeout(SETTLE_MS);
  await page.screenshot({ path: join(target, file), fullPage: target !== join(ROOT, 'docs', 'images') });
}

main(process.argv[2]).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exit(1);
});
