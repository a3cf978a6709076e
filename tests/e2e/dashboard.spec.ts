import { readFileSync } from 'node:fs';
import { stringify } from 'yaml';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { BrowserPage, chromiumPath } from './support/browser-page';
import { LiveCluster } from './support/live-cluster';
import { smallRun } from './support/small-run';

const WAIT_MS = 60_000;
const executable = chromiumPath();
let cluster: LiveCluster;
let browser: BrowserPage;
let runId = '';

/** A new run with enough steps to be watched, as text for the editor. */
const SPEC = stringify({
  ...smallRun('from-the-form', {
    train: {
      steps: 400,
      batch: { global: 10, micro: 2 },
      optimizer: { type: 'adamw', lr: 1e-3 },
      evalEvery: 5,
      checkpointEvery: 5,
    },
    data: { dataset: 'words', validation: 0.1 },
  }),
});
const TEXT = 'A boat upon a river, and a wheel that turns with it. '.repeat(400);

describe('the dashboard in Chromium over a cluster that trains', () => {
  beforeAll(async () => {
    if (executable === undefined) return;
    cluster = await LiveCluster.start({ agents: 2 });
    browser = await BrowserPage.open(executable);
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
    // The refusal is what was asked for.
    expect(browser.troubles.splice(0).every((trouble) => trouble.includes('401'))).toBe(true);
    await page.getByLabel('Token').fill(cluster.endpoint.token);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    await page.getByText('live', { exact: true }).waitFor();
  });

  it('uploads a dataset and shows its text and tokens', async () => {
    const { page } = browser;
    await page.getByRole('link', { name: 'Datasets' }).click();
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
    await editor.fill(SPEC);
    await page.getByRole('img', { name: /^Order of one step under 1f1b on 2 ranks/ }).waitFor();
    await page.getByLabel('steps', { exact: true }).fill('500');
    await expect.poll(() => editor.innerText()).toContain('steps: 500');
    await page.getByRole('button', { name: 'Submit' }).click();
    await page.getByRole('heading', { name: 'from-the-form' }).waitFor();
    runId = /run_[a-z0-9]+/.exec(page.url())![0];
  });

  it('draws the loss as it falls, and the steps as they were executed', async () => {
    const { page } = browser;
    const chart = page.getByRole('img', { name: /^Loss by step: training/ });
    await chart.waitFor();
    const first = await chart.getAttribute('aria-label');
    await expect.poll(() => chart.getAttribute('aria-label'), { timeout: WAIT_MS }).not.toBe(first);
    await page.getByRole('tab', { name: 'Timeline' }).click();
    await page.getByRole('img', { name: /^Step \d+ took/ }).waitFor();
    await page.getByRole('tab', { name: 'Logs' }).click();
    await page.getByRole('log').getByText('device memory').first().waitFor();
  });

  it('downloads a checkpoint and writes text from it', async () => {
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
    process.kill(cluster.pid(`agent-${cluster.numberOfAgent(agent)}`), 'SIGKILL');
    await page.getByRole('tab', { name: 'Overview' }).click();
    await page.getByText('node_lost').first().waitFor();
    await page.getByRole('button', { name: 'Cancel the run' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel the run' }).click();
    await page.getByText('cancelled', { exact: true }).first().waitFor();
    await page.getByRole('link', { name: 'Playground' }).click();
    await page.getByLabel('Prompt').fill('A boat');
    await page.getByLabel('Tokens at most').fill('10');
    await page.getByRole('button', { name: 'Generate' }).click();
    await page.getByText(/^10 tokens in/).waitFor();
  });

  it('draws schedules and finds pages by the keyboard', async () => {
    const { page } = browser;
    await page.keyboard.press('Control+k');
    await page.getByRole('combobox', { name: 'Page, run, agent or dataset' }).fill('sched');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Schedules' }).waitFor();
    await page.getByLabel('Schedule', { exact: true }).selectOption('zb-v');
    await page.getByLabel('Ranks (p)').fill('6');
    await page.getByRole('img', { name: /^zb-v on 6 ranks/ }).waitFor();
  });

  it.each(['light', 'dark'] as const)('has no grave fault for axe on any page, %s', async (theme) => {
    const { page } = browser;
    await browser.useTheme(theme);
    const { http } = cluster.endpoint;
    const agent = (await cluster.client.agents()).items[0]!.id;
    const dataset = (await cluster.client.datasets()).items[0]!.id;
    const tabs = ['overview', 'timeline', 'logs', 'checkpoints', 'events', 'spec'].map(
      (tab) => `/runs/${runId}?tab=${tab}`,
    );
    const paths = ['/', '/runs', '/submit', '/agents', `/agents/${agent}`, '/datasets', `/datasets/${dataset}`];
    const found: string[] = [];
    for (const path of [...paths, ...tabs, '/playground', '/schedules', '/access', '/audit']) {
      await page.goto(http + path);
      await page.getByRole('heading', { level: 1 }).waitFor();
      await page.waitForLoadState('load');
      found.push(...(await browser.axe()).map((fault) => `${path}: ${fault}`));
    }
    expect(found).toEqual([]);
  });

  it('makes a viewer, who is not offered what a viewer may not do', async () => {
    const { page } = browser;
    await page.goto(`${cluster.endpoint.http}/access`);
    await page.getByRole('tab', { name: 'Users' }).click();
    await page.getByLabel('Name').fill('visitor');
    await page.getByLabel('Role', { exact: true }).selectOption('viewer');
    await page.getByRole('button', { name: 'Add the user' }).click();
    await page.getByRole('cell', { name: 'visitor' }).waitFor();
    await page.getByRole('tab', { name: 'Tokens' }).click();
    await page.getByLabel('Name').fill('visit');
    await page.getByLabel('For').selectOption('visitor');
    await page.getByRole('button', { name: 'Make the token' }).click();
    const token = await page.getByText(/^mlr_/).innerText();
    await page.getByRole('button', { name: /account$/ }).click();
    await page.getByRole('menuitem', { name: 'Sign out' }).click();
    await page.getByLabel('Token').fill(token);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('link', { name: 'Submit', exact: true }).click();
    await page.getByText('A viewer cannot submit runs').waitFor();
    expect(await page.getByRole('button', { name: 'Submit' }).isDisabled()).toBe(true);
    const refused = await page.evaluate(async () => (await fetch('/api/v1/users')).status);
    expect(refused).toBe(403);
    browser.troubles.splice(0);
  });
});
