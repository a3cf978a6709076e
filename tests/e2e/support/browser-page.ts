import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Result } from 'axe-core';
import { type BrowserContext, type Page, chromium } from 'playwright-core';

const PATHS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const FLAGS = [
  ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
];
/** What stops a page from being used; the rest of axe's rules are advice. */
const GRAVE: readonly (string | null | undefined)[] = ['serious', 'critical'];

export function chromiumPath(): string | undefined {
  return PATHS.find((path) => existsSync(path));
}

/** A Chromium of its own, with a new profile, that keeps a list of everything that went wrong in its pages. */
export class BrowserPage {
  /** Console errors, exceptions, and requests that failed or were refused. */
  readonly troubles: string[] = [];

  private constructor(
    readonly page: Page,
    private readonly context: BrowserContext,
    private readonly profile: string,
  ) {
    page.on('console', (message) => {
      if (message.type() === 'error') this.troubles.push(`console: ${message.text()}`);
    });
    page.on('pageerror', (error) => this.troubles.push(`exception: ${error.message}`));
    page.on('response', (response) => {
      if (response.status() >= 400) this.troubles.push(`${response.status()} ${response.url()}`);
    });
    page.on('requestfailed', (request) => {
      // A page that is left lets go of its requests and of its event stream.
      const reason = request.failure()?.errorText ?? '';
      if (!reason.includes('ERR_ABORTED')) this.troubles.push(`${reason} ${request.url()}`);
    });
  }

  static async open(executablePath: string): Promise<BrowserPage> {
    const profile = mkdtempSync(join(tmpdir(), 'millrace-chromium-'));
    const viewport = { width: 1360, height: 860 };
    const context = await chromium.launchPersistentContext(profile, {
      ...{ executablePath, headless: true, args: FLAGS, viewport, acceptDownloads: true },
    });
    return new BrowserPage(await context.newPage(), context, profile);
  }

  async close(): Promise<void> {
    await this.context.close();
    rmSync(this.profile, { recursive: true, force: true });
  }

  /** Grave findings of axe in the page as it is, each with where. */
  async axe(): Promise<string[]> {
    await this.page.evaluate(readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8'));
    const violations = await this.page.evaluate(
      async () =>
        (await (globalThis as unknown as { axe: { run(): Promise<{ violations: Result[] }> } }).axe.run()).violations,
    );
    return violations
      .filter(({ impact }) => GRAVE.includes(impact))
      .map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`);
  }

  async useTheme(theme: 'light' | 'dark'): Promise<void> {
    await this.page.evaluate(`localStorage.setItem('millrace-theme', '${theme}')`);
  }
}
