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

const SETTLE_MS = 2000;
/** What a page shows as long as something is on its way. */
const BUSY = '.loading, [aria-busy="true"]';
/** Run in the page, whose globals this program has no types of. */
const RUN_AXE = {
  all: "axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => violations)",
  colours:
    "axe.run(document, { runOnly: ['color-contrast', 'link-in-text-block'] }).then(({ violations }) => violations)",
};
/** Texts that are one number, with or without its unit, and stand on several lines. */
const BROKEN_NUMBERS = `[...document.querySelectorAll('main *')]
  .filter((element) => element.childElementCount === 0 && /^[\\d.,]+( ?[A-Za-z%/]+)?$/.test(element.textContent.trim()))
  .filter((element) => {
    const range = document.createRange();
    range.selectNodeContents(element);
    return new Set([...range.getClientRects()].map(({ top }) => Math.round(top))).size > 1;
  })
  .map((element) => element.textContent.trim())`;
const SCROLLS_SIDEWAYS = 'document.documentElement.scrollWidth > window.innerWidth';

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

  static async launch(executablePath: string): Promise<BrowserPage> {
    const profile = mkdtempSync(join(tmpdir(), 'millrace-chromium-'));
    const viewport = { width: 1360, height: 860 };
    const context = await chromium.launchPersistentContext(profile, {
      // Colours are looked at as they are, not on their way.
      reducedMotion: 'reduce',
      ...{ executablePath, headless: true, args: FLAGS, viewport, acceptDownloads: true },
    });
    return new BrowserPage(await context.newPage(), context, profile);
  }

  async close(): Promise<void> {
    await this.context.close();
    rmSync(this.profile, { recursive: true, force: true });
  }

  /**
   * Grave findings of axe in the page as it is, each with where. After a change of the theme the rules about colours
   * are enough: the others look at what has not changed.
   */
  async axe(rules: keyof typeof RUN_AXE = 'all'): Promise<string[]> {
    await this.page.evaluate(readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8'));
    const violations = await this.page.evaluate<Result[]>(RUN_AXE[rules]);
    return violations
      .filter(({ impact }) => GRAVE.includes(impact))
      .map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`);
  }

  /** With a token, by the form. */
  async signIn({ http, token }: { readonly http: string; readonly token: string }): Promise<void> {
    await this.page.goto(http);
    await this.page.getByLabel('Token').fill(token);
    await this.page.getByRole('button', { name: 'Sign in' }).click();
    await this.page.getByRole('heading', { name: 'Overview' }).waitFor();
  }

  /** A page with all that it asks for; the sign-in form counts as one. */
  async open(url: string): Promise<void> {
    await this.page.goto(url);
    await this.page.getByRole('heading', { level: 1 }).waitFor();
    await this.page.locator(BUSY).first().waitFor({ state: 'hidden' });
  }

  /** By the page's own button. */
  async useTheme(theme: 'light' | 'dark'): Promise<void> {
    const button = this.page.getByRole('button', { name: `${theme === 'dark' ? 'Dark' : 'Light'} theme` });
    if ((await button.count()) > 0) await button.click();
  }

  /** What is wrong with the page at the width of a phone; the old width is restored. */
  async faultsAtWidth(width: number): Promise<string[]> {
    const before = this.page.viewportSize()!;
    await this.page.setViewportSize({ ...before, width });
    // Charts follow the width a frame later.
    const fits = this.page.waitForFunction(`!(${SCROLLS_SIDEWAYS})`, undefined, { timeout: SETTLE_MS });
    const isWider = await fits.then(
      () => false,
      () => true,
    );
    const broken = await this.page.evaluate<string[]>(BROKEN_NUMBERS);
    await this.page.setViewportSize(before);
    return [...(isWider ? ['scrolls sideways'] : []), ...broken.map((text) => `breaks ${text} in two`)];
  }

  async signOut(): Promise<void> {
    await this.page.getByRole('button', { name: /account$/ }).click();
    await this.page.getByRole('menuitem', { name: 'Sign out' }).click();
    await this.page.getByRole('button', { name: 'Sign in' }).waitFor();
  }

  /** Takes what was refused on purpose off the list of troubles. */
  forgive(expected: RegExp): void {
    const others = this.troubles.splice(0).filter((trouble) => !expected.test(trouble));
    this.troubles.push(...others);
  }
}
