import assert from 'node:assert/strict';
import path from 'node:path';
import type { Frame } from 'playwright-core';
import { buildExtension, EXTENSION, repository } from '../support/screenshots/scene.ts';
import { keepTempDir } from '../support/tmp.ts';
import { ALL_THEMES, openWorkbench, type Workbench } from '../support/vscode/workbench.ts';

describe('The dashboard in VS Code, on a task in every state', function () {
  this.timeout(120_000);
  const temp = keepTempDir();
  const refused: string[] = [];
  let window: Workbench;

  before(async () => {
    await buildExtension();
    const root = await repository('all', path.join(temp.path, 'shop'));
    window = await openWorkbench(root, { extension: EXTENSION, size: { width: 1400, height: 900 } });
    window.page.on('console', (message) => {
      if (/Content Security Policy|Refused to/i.test(message.text())) refused.push(`${message.location().url}: ${message.text()}`);
    });
    await window.openContainer('Baton');
    await window.waitForRow('Round prices half to even');
  });

  after(async () => {
    await (window as Workbench | undefined)?.close();
    await temp.remove();
  });

  const page = (): Promise<Frame> => window.webview('main#dashboard article');

  it('opens from the title of the queue', async () => {
    await window.clickViewAction('Queue', 'Open Dashboard');
    await window.editorTab('Baton Dashboard').waitFor();
    const frame = await page();
    await frame.getByRole('heading', { name: 'Baton · shop' }).waitFor();
  });

  it('shows loop, figures, what needs the user, active tasks, queue, endings and accounts', async () => {
    const frame = await page();
    const region = (name: string) => frame.getByRole('region', { name, exact: true });
    await frame.locator('header').getByText('Running').waitFor();
    assert.match(await frame.getByRole('button', { name: /^Needs you:/ }).innerText(), /3/);
    assert.equal(await region('Needs You').getByRole('button').count(), 3);
    assert.match(await region('Active').innerText(), /Make the date test[\s\S]*3m\d+s · \$0\.08[\s\S]*npm test -- --grep dates/);
    const rows = await region('Queue').locator('tbody tr').allInnerTexts();
    assert.deepEqual(rows.map((row) => row.split('\t').slice(0, 3).map((cell) => cell.trim())), [
      ['1', '4.2', 'Export invoices as CSV'],
      ['2', '2.1', 'Rename getFoo to foo in the public API'],
      ['3', '1.3', 'Fix the typos in the README'],
      ['–', '2.1', 'Document the CSV export'],
      ['–', '2.1', 'Translate the error messages'],
    ]);
    assert.match(await region('Recent Completions').innerText(), /Update the development dependencies/);
    assert.match(await region('Accounts').innerText(), /anthropic\s+open/);
  });

  it('keeps the focus while time runs on', async () => {
    const frame = await page();
    const row = frame.getByRole('region', { name: 'Active' }).getByRole('button').first();
    await row.focus();
    const before = await row.innerText();
    const deadline = performance.now() + 10_000;
    while ((await row.innerText()) === before && performance.now() < deadline) await window.page.waitForTimeout(50);
    assert.notEqual(await row.innerText(), before);
    assert.equal(await row.and(frame.locator(':focus')).count(), 1);
  });

  it('loads what its policy names and nothing else', async () => {
    const frame = await page();
    const policy = await frame.locator('meta[http-equiv="Content-Security-Policy"]').getAttribute('content');
    assert.match(policy ?? '', /^default-src 'none'; script-src 'nonce-[\w+/=]{20,}'; style-src /);
    assert.doesNotMatch(policy ?? '', /unsafe-/);
    assert.deepEqual(refused, []);
  });

  for (const theme of ALL_THEMES) {
    it(`is drawn in the ${theme} theme`, async () => {
      await window.changeTheme(theme);
      await (await page()).getByRole('heading', { name: 'Needs You' }).waitFor();
      await window.screenshot(`dashboard-${theme}`);
    });
  }

  it('stacks into one column where it is narrow', async () => {
    await window.changeTheme('dark');
    for (const width of [1000, 760]) {
      await window.page.setViewportSize({ width, height: 1300 });
      const frame = await page();
      const stacked = async () => {
        const [work, state] = await Promise.all(['Recent Completions', 'Queue'].map((name) => frame.getByRole('region', { name, exact: true }).boundingBox()));
        return work !== null && state !== null && work !== undefined && state !== undefined && work.x === state.x && work.y + work.height <= state.y;
      };
      const deadline = performance.now() + 10_000;
      while (!(await stacked()) && performance.now() < deadline) await window.page.waitForTimeout(50);
      assert.ok(await stacked());
      assert.equal(await frame.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth'), 0);
      await window.screenshot(`dashboard-narrow-${width}`);
    }
    await window.page.setViewportSize({ width: 1400, height: 900 });
  });

  it('leads a running task to its transcript, by keyboard', async () => {
    const row = (await page()).getByRole('button', { name: /Make the date test/ });
    await row.focus();
    await row.press('Enter');
    await window.editorTab(/flaky-test a1/).waitFor();
  });

  it('is back after the window is loaded again', async () => {
    await window.editorTab('Baton Dashboard').click();
    await page();
    await window.page.reload();
    await (await page()).getByRole('heading', { name: 'Baton · shop' }).waitFor();
  });

  it('leads a decision to the native flow in which it is answered', async () => {
    await (await page()).getByRole('button', { name: /Approve merge/ }).click();
    await window.editorTab(/Baton: pricing-fix/).waitFor();
  });
});
