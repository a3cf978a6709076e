import { readFileSync } from 'node:fs';
import { stringify } from 'yaml';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { BrowserPage, chromiumPath } from './support/browser-page';
import { queryDatabase } from './support/cluster-database';
import { dashboardPaths } from './support/dashboard-paths';
import { LiveCluster } from './support/live-cluster';
import { smallRun } from './support/small-run';

const WAIT_MS = 60_000;
const PHONE = { width: 390, height: 844 };
const DESKTOP = { width: 1360, height: 860 };
const executable = chromiumPath();
let cluster: LiveCluster;
let browser: BrowserPage;
let runId = '';

/** More steps than the test waits for; the layers are given, so that nothing is measured before it starts. */
const SPEC = stringify({
  ...smallRun('from-the-form', {
    train: {
      steps: 4000,
      batch: { global: 10, micro: 2 },
      optimizer: { type: 'adamw', lr: 1e-3 },
      evalEvery: 20,
      checkpointEvery: 20,
    },
    data: { dataset: 'words', validation: 0.1 },
    parallel: { pp: 2, schedule: '1f1b', partition: [2, 2] },
  }),
});
const TEXT = 'A boat upon a river, and a wheel that turns with it. '.repeat(400);

describe('the dashboard in Chromium over a cluster that trains', () => {
  beforeAll(async () => {
    if (executable === undefined) return;
    [cluster, browser] = await Promise.all([LiveCluster.start({ agents: 2 }), BrowserPage.launch(executable)]);
    browser.page.setDefaultTimeout(WAIT_MS);
  });
  afterAll(async () => {
    await browser?.close();
    await cluster?.stop();
  });
  beforeEach((context) => {
    if (executable === undefined) context.skip('no Chromium');
  });
  afterEach(() => {
    expect(browser?.troubles.splice(0) ?? []).toEqual([]);
  });

  it('refuses a wrong token and takes the right one', async () => {
    const { page } = browser;
    await page.goto(cluster.endpoint.http);
    await page.getByLabel('Token').fill('mlr_wrong');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.locator('.field-error').waitFor();
    browser.forgive(/401/);
    await page.getByLabel('Token').fill(cluster.endpoint.token);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    await page.getByText('live', { exact: true }).waitFor();
  });

  it('waits for a page while the API starts again, and keeps the frame', async () => {
    const { page } = browser;
    let asked = 0;
    const isAway = (): boolean => asked < 3;
    const sign = /\/healthz$/;
    const file = /\/audit-page-[^/]*\.js$/;
    await page.route(sign, (route) => {
      asked++;
      return isAway() ? route.abort('connectionrefused') : route.continue();
    });
    await page.route(file, (route) => (isAway() ? route.abort('connectionrefused') : route.continue()));
    try {
      await page.getByRole('link', { name: 'Audit', exact: true }).click();
      await page.getByRole('heading', { name: 'Audit', exact: true }).waitFor();
    } finally {
      await page.unroute(sign);
      await page.unroute(file);
    }
    expect(asked).toBe(3);
    browser.forgive(/healthz|ERR_CONNECTION_REFUSED/);
  });

  it('uploads a dataset and shows its text and tokens', async () => {
    const { page } = browser;
    await page.getByRole('link', { name: 'Datasets', exact: true }).click();
    const file = { name: 'words.txt', mimeType: 'text/plain', buffer: Buffer.from(TEXT) };
    await page.getByLabel('File').setInputFiles(file);
    await page.getByRole('button', { name: 'Upload' }).click();
    await page.getByRole('link', { name: 'words' }).click();
    await page.getByRole('region', { name: 'Text' }).getByText('A boat upon a river').waitFor();
    expect(await page.getByRole('list', { name: 'Tokens' }).getByRole('listitem').count()).toBe(256);
  });

  it('says what is wrong with a spec, draws the plan of one that is right, and submits it', async () => {
    const { page } = browser;
    await page.getByRole('link', { name: 'Submit', exact: true }).click();
    const editor = page.getByRole('textbox', { name: 'Run spec as YAML' });
    await editor.fill(SPEC.replace('heads: 3', 'heads: 7'));
    await page.getByText('is not a multiple of model.heads').first().waitFor();
    await editor.fill(SPEC.replace('words', 'sentences'));
    await page.getByText('no dataset is called sentences').first().waitFor();
    await editor.fill(SPEC);
    await page.getByRole('img', { name: /^Order of one step under 1f1b on 2 ranks/ }).waitFor();
    // Text that cannot be read leaves the form as it was, and what was typed is there after a look at another page.
    const layers = page.getByLabel('layers', { exact: true });
    await editor.fill(`${SPEC}\nbroken: [`);
    await expect.poll(() => layers.isDisabled()).toBe(true);
    expect(await layers.inputValue()).toBe('4');
    await page.getByRole('link', { name: 'Runs', exact: true }).click();
    await page.getByRole('heading', { name: 'Runs', exact: true }).waitFor();
    await page.getByRole('link', { name: 'Submit', exact: true }).click();
    await expect.poll(() => editor.innerText()).toContain('broken: [');
    await editor.fill(SPEC);
    await page.getByRole('img', { name: /^Order of one step under 1f1b on 2 ranks/ }).waitFor();
    // On a phone form and editor are below each other, each as wide as the page, and one writes the other.
    await page.setViewportSize(PHONE);
    const steps = page.getByLabel('steps', { exact: true });
    await steps.fill('5000');
    await expect.poll(() => editor.innerText()).toContain('steps: 5000');
    const boxes = [(await steps.boundingBox())!, (await editor.boundingBox())!];
    for (const { x, width } of boxes) {
      expect(x).toBeGreaterThanOrEqual(0);
      expect(x + width).toBeLessThanOrEqual(PHONE.width);
    }
    await editor.fill((await editor.innerText()).replace('steps: 5000', 'steps: 6000'));
    await expect.poll(() => steps.inputValue()).toBe('6000');
    await page.setViewportSize(DESKTOP);
    await page.getByRole('button', { name: 'Submit', exact: true }).click();
    await page.getByRole('heading', { name: 'from-the-form' }).waitFor();
    runId = /run_[a-z0-9]+/.exec(page.url())![0];
  });

  it('draws the loss as it falls, the steps as they were executed and planned, and the logs', async () => {
    const { page } = browser;
    const chart = page.getByRole('img', { name: /^Loss by step: training/ });
    await chart.waitFor();
    const first = await chart.getAttribute('aria-label');
    await expect.poll(() => chart.getAttribute('aria-label'), { timeout: WAIT_MS }).not.toBe(first);
    await page.getByRole('img', { name: /validation [\d.]+ at step \d+$/ }).waitFor();
    // Five tensors of [2, 21, 60] in f32, as computed and as the agents counted them, each way.
    const traffic = page.getByRole('region', { name: 'Traffic between the ranks' });
    await traffic.getByRole('row', { name: /^rank 0 → 1 49.2 KiB 49.2 KiB 5 .*\/s$/ }).waitFor();
    await traffic.getByRole('row', { name: /^rank 1 → 0 49.2 KiB 49.2 KiB 5 .*\/s$/ }).waitFor();
    const compared = page.getByRole('region', { name: 'Times of the stages, predicted and measured' });
    await compared.getByRole('row', { name: /^1 at rank 1 agent_/ }).waitFor();
    await page.getByRole('tab', { name: 'Timeline' }).click();
    await page.getByRole('img', { name: /^Step \d+ took .+, \d.* was planned/ }).waitFor();
    await page.getByRole('tab', { name: 'Logs' }).click();
    const lines = page.getByRole('log');
    await lines.getByText('device memory').nth(1).waitFor();
    await page.getByLabel('Stage', { exact: true }).selectOption('1');
    await expect.poll(() => lines.getByText('device memory').count()).toBe(1);
    await page.getByLabel('Search').fill('no line has this');
    await page.getByText('No line fits the filter.').waitFor();
  });

  it('follows the log until it is scrolled, and then again when a button says so', async () => {
    const { page } = browser;
    const write = (from: number, to: number): Promise<unknown> =>
      queryDatabase(
        cluster.home,
        `INSERT INTO "LogLine" ("runId", fence, time, level, stage, agent, text)
         SELECT $1, 1, now(), 'info', 0, 'agent', 'line ' || n FROM generate_series($2::int, $3::int) n`,
        [runId, from, to],
      );
    await page.getByLabel('Search').fill('');
    await page.getByLabel('Stage', { exact: true }).selectOption('');
    await write(1, 200);
    const log = page.getByRole('log');
    const last = (text: string): Promise<void> => log.getByText(text, { exact: true }).waitFor();
    await last('line 200');
    await write(201, 201);
    await last('line 201');
    const follow = page.getByRole('button', { name: 'Follow' });
    expect(await follow.count()).toBe(0);
    await log.hover();
    await page.mouse.wheel(0, -1500);
    await follow.waitFor();
    const before = await log.evaluate('(log) => log.scrollTop');
    await write(202, 210);
    await page
      .getByText(/^2\d\d lines$/)
      .filter({ hasText: '212' })
      .waitFor();
    expect(await log.evaluate('(log) => log.scrollTop')).toBe(before);
    expect(await log.getByText('line 210', { exact: true }).count()).toBe(0);
    await follow.click();
    await last('line 210');
    await follow.waitFor({ state: 'hidden' });
  });

  it('has no grave fault for axe on the overview while a run trains', async () => {
    const { page } = browser;
    await page.getByRole('link', { name: 'Overview', exact: true }).click();
    await page.getByRole('img', { name: /^Training loss of from-the-form over/ }).waitFor();
    const found = await browser.axe();
    await browser.useTheme('dark');
    found.push(...(await browser.axe('colours')));
    await browser.useTheme('light');
    expect(found).toEqual([]);
    await page.getByRole('link', { name: 'from-the-form' }).first().click();
  });

  it('downloads a checkpoint', async () => {
    const { page } = browser;
    await page.getByRole('tab', { name: 'Checkpoints' }).click();
    const link = page.getByRole('link', { name: /^Download the safetensors/ }).first();
    await link.waitFor();
    const [download] = await Promise.all([page.waitForEvent('download'), link.click()]);
    const bytes = readFileSync(await download.path());
    const header = bytes.subarray(8, 8 + Number(bytes.readBigUInt64LE())).toString();
    expect(header).toContain('"transformer.wte.weight"');
  });

  it('tells why the run recovers when an agent stops, and cancels it after asking', async () => {
    const { page } = browser;
    const { agent } = (await cluster.client.run(runId)).attempts.at(-1)!.stages.at(-1)!;
    cluster.killAgent(agent);
    await page.getByRole('tab', { name: 'Overview' }).click();
    await page.getByText('node_lost').first().waitFor();
    await page.getByRole('link', { name: agent }).first().waitFor();
    await page.getByRole('button', { name: 'Cancel the run' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel the run' }).click();
    await page.locator('.page-header').getByText('cancelled', { exact: true }).waitFor();
    await page.getByText('cancelled by admin').waitFor();
    await page.getByRole('tab', { name: 'Events' }).click();
    await page.getByText('running → recovering').waitFor();
  });

  it('finds the run among all, and writes text from its checkpoint', async () => {
    const { page } = browser;
    await page.getByRole('link', { name: 'Runs', exact: true }).click();
    await page.getByLabel('Search').fill('nobody');
    await page.getByText('No run fits the filter.').waitFor();
    await page.getByLabel('Search').fill('the-form');
    await page.getByRole('link', { name: 'from-the-form' }).waitFor();
    await page.getByRole('link', { name: 'Playground' }).click();
    await page.getByLabel('Prompt', { exact: true }).fill('A boat');
    await page.getByLabel('Tokens at most').fill('10');
    await page.getByRole('button', { name: 'Generate', exact: true }).click();
    await page.getByText(/^10 tokens in/).waitFor();
  });

  it('drains an agent, lets it work again, and makes the command that joins another', async () => {
    const { page } = browser;
    await page.getByRole('link', { name: 'Agents', exact: true }).click();
    await page.getByRole('button', { name: 'Make the command' }).click();
    await page.getByRole('group', { name: /^command: .*--join / }).waitFor();
    await page.getByRole('cell', { name: /· 0$/ }).getByRole('link').click();
    await page.getByRole('img', { name: 'Utilisation over the last hour' }).waitFor();
    await page.getByRole('button', { name: 'Drain', exact: true }).click();
    await page.getByText('draining', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Undrain', exact: true }).click();
    await page.getByText('connected', { exact: true }).waitFor();
  });

  it('draws schedules and finds pages by the keyboard', async () => {
    const { page } = browser;
    await page.keyboard.press('Control+k');
    await page.getByRole('combobox', { name: 'Page, run, agent or dataset' }).fill('sched');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Schedules', exact: true }).waitFor();
    await page.getByLabel('Schedule', { exact: true }).selectOption('zb-v');
    await page.getByLabel('Ranks (p)').fill('6');
    await page.getByRole('img', { name: /^zb-v on 6 ranks/ }).waitFor();
  });

  it('shows the documentation of the API under a policy that takes no inline scripts or sheets', async () => {
    const { page } = browser;
    await page.goto(`${cluster.endpoint.http}/api/docs`);
    await page.locator('.opblock-tag').first().click();
    await page.locator('.opblock-summary').first().waitFor();
  });

  it('has no grave fault for axe on any page, light or dark, and fits a phone', async () => {
    const found: string[] = [];
    for (const path of await dashboardPaths(cluster.client, runId)) {
      await browser.open(cluster.endpoint.http + path);
      found.push(...(await browser.axe()).map((fault) => `${path}: ${fault}`));
      await browser.useTheme('dark');
      found.push(...(await browser.axe('colours')).map((fault) => `${path}, dark: ${fault}`));
      await browser.useTheme('light');
      found.push(...(await browser.faultsAtWidth(PHONE.width)).map((fault) => `${path} on a phone ${fault}`));
    }
    expect(found).toEqual([]);
  });

  it('shows the chosen tab on a phone, which has no room for all of them', async () => {
    const { page } = browser;
    await page.setViewportSize(PHONE);
    await browser.open(`${cluster.endpoint.http}/runs/${runId}?tab=spec`);
    const { x, width } = (await page.getByRole('tab', { selected: true }).boundingBox())!;
    await page.setViewportSize(DESKTOP);
    expect(x).toBeGreaterThanOrEqual(0);
    expect(x + width).toBeLessThanOrEqual(PHONE.width);
  });

  it('makes a viewer, who is refused what a viewer may not do, and signs out', async () => {
    const { page } = browser;
    await browser.open(`${cluster.endpoint.http}/access`);
    await page.getByRole('tab', { name: 'Users' }).click();
    await page.getByLabel('Name').fill('visitor');
    await page.getByLabel('Role', { exact: true }).selectOption('viewer');
    await page.getByRole('button', { name: 'Add the user' }).click();
    await page.getByRole('cell', { name: 'visitor', exact: true }).waitFor();
    await page.getByRole('tab', { name: 'Tokens' }).click();
    await page.getByLabel('Name').fill('visit');
    await page.getByLabel('For').selectOption('visitor');
    await page.getByRole('button', { name: 'Make the token' }).click();
    const token = await page.getByText(/^mlr_/).innerText();
    await browser.signOut();
    await page.getByLabel('Token').fill(token);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('link', { name: 'Submit', exact: true }).click();
    await page.getByText('A viewer cannot submit runs').waitFor();
    expect(await page.getByRole('button', { name: 'Submit', exact: true }).isDisabled()).toBe(true);
    expect(await page.getByRole('link', { name: 'Audit' }).count()).toBe(0);
    // By hand too: what is not offered is refused.
    const statuses = await page.evaluate(async (id) => {
      const cancelled = await fetch(`/api/v1/runs/${id}:cancel`, { method: 'POST' });
      return [(await fetch('/api/v1/users')).status, cancelled.status];
    }, runId);
    expect(statuses).toEqual([403, 403]);
    browser.forgive(/403/);
    await browser.signOut();
    expect(await page.evaluate(async () => (await fetch('/api/v1/runs')).status)).toBe(401);
    browser.forgive(/401/);
  });
});
