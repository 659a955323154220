import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { Frame } from 'playwright-core';
import { buildExtension, EXTENSION, repository } from '../support/screenshots/scene.ts';
import { keepTempDir } from '../support/tmp.ts';
import { ALL_THEMES, openWorkbench, type Workbench } from '../support/vscode/workbench.ts';

/** What axe finds wrong in a frame. */
async function complaints(frame: Frame): Promise<string[]> {
  await frame.evaluate(readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8'));
  const { violations } = await frame.evaluate<{ violations: { id: string; help: string; nodes: { html: string }[] }[] }>('axe.run()');
  return violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html.slice(0, 200)).join(' | ')}`);
}

describe('The dashboard in VS Code', function () {
  this.timeout(300_000);
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

  describe('on a task in every state', () => {
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
      // The figures come a moment after the first picture.
      await region('Charts').getByRole('figure').first().waitFor();
      assert.match(await frame.getByRole('button', { name: /^Needs you \d/ }).innerText(), /3/);
      assert.equal(await region('Needs You').getByRole('button').count(), 3);
      assert.match(await region('Active').innerText(), /Make the date test[\s\S]*[3-9]m\d+s · \$0\.08[\s\S]*npm test -- --grep dates/);
      const rows = await region('Queue').locator('tbody tr').allInnerTexts();
      const cells = rows.map((row) => row.split('\t').map((cell) => cell.trim()));
      assert.deepEqual(cells.map((row) => row.slice(0, 3)), [
        ['1', '4.2', 'Export invoices as CSV'],
        ['2', '2.1', 'Rename getFoo to foo in the public API'],
        ['3', '1.3', 'Fix the typos in the README'],
        ['–', '2.1', 'Document the CSV export'],
        ['–', '2.1', 'Translate the error messages'],
      ]);
      for (const [index, wait] of [/^\d\dm$/, /^3h$/, /^2d$/].entries()) assert.match(cells[index]?.[3] ?? '', wait);
      assert.match(cells[2]?.[5] ?? '', /^Next to start/);
      assert.match(await region('Recent Completions').innerText(), /Update the development dependencies/);
      assert.match(await region('Recent Completions').innerText(), /\d % of \d+ completed, last 24 hours/);
      assert.match(await region('Health').innerText(), /Loop[\s\S]*Backlog[\s\S]*Error rate[\s\S]*Last completion[\s\S]*Problems/);
      assert.match(await region('Accounts').innerText(), /anthropic\s+open[\s\S]*claude 2\.1\.0/);
    });

    it('draws six charts, each with its figures as text', async () => {
      const charts = (await page()).getByRole('region', { name: 'Charts' });
      assert.deepEqual(await charts.locator('figcaption .label').allInnerTexts(), ['Throughput', 'Latency p50 / p95', 'Error rate', 'Cost', 'Cost by agent', 'Gate pass rate']);
      const table = charts.getByRole('table', { name: 'Throughput' });
      assert.equal(await table.getByRole('row').count(), 25);
      assert.match((await table.getByRole('row').last().textContent()) ?? '', /^\d\d:\d\d–\d\d:\d\d(\d+ completed, \d+ failed|nothing ended)$/);
    });

    it('reads a chart out by pointer and by arrow keys', async () => {
      const frame = await page();
      const plot = frame.getByRole('slider', { name: 'Throughput over time' });
      const read = frame.locator('figure.throughput .read');
      await plot.hover({ position: { x: 3, y: 20 } });
      await read.getByText(/: /).waitFor();
      const first = await frame.getByRole('table', { name: 'Throughput' }).getByRole('row').first().locator('td').textContent();
      assert.ok((await read.innerText()).endsWith(`: ${first ?? ''}`));
      await plot.focus();
      await plot.press('End');
      assert.equal(await plot.getAttribute('aria-valuenow'), '25');
      await plot.press('ArrowLeft');
      assert.equal(await plot.getAttribute('aria-valuenow'), '24');
      assert.equal(await plot.getAttribute('aria-valuetext'), await read.innerText());
    });

    it('shows another window of time in all charts', async () => {
      const frame = await page();
      const window = frame.getByRole('group', { name: 'Window of the charts' });
      await window.getByRole('button', { name: '30d' }).click();
      await frame.locator('.tile.first_pass').getByText('last 30 days').waitFor();
      assert.equal(await window.getByRole('button', { name: '30d' }).getAttribute('aria-pressed'), 'true');
      assert.equal(await frame.getByRole('table', { name: 'Throughput' }).getByRole('row').count(), 31);
    });

    it('keeps the focus while time runs on', async () => {
      const frame = await page();
      const row = frame.getByRole('region', { name: 'Active' }).getByRole('button').first();
      await row.focus();
      const before = await row.innerText();
      const deadline = performance.now() + 60_000;
      while ((await row.innerText()) === before && performance.now() < deadline) await window.page.waitForTimeout(100);
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
      it(`is drawn in the ${theme} theme, and no accessibility check objects to it`, async () => {
        await window.changeTheme(theme);
        await (await page()).getByRole('heading', { name: 'Needs You' }).waitFor();
        await window.screenshot(`dashboard-${theme}`);
        assert.deepEqual(await complaints(await page()), []);
      });
    }

    it('stacks into one column where it is narrow', async () => {
      await window.changeTheme('dark');
      for (const width of [1000, 760]) {
        await window.page.setViewportSize({ width, height: 1300 });
        const frame = await page();
        const stacked = async () => {
          const [work, state] = await Promise.all(['Active', 'Queue'].map((name) => frame.getByRole('region', { name, exact: true }).boundingBox()));
          return work !== null && state !== null && work !== undefined && state !== undefined && work.x === state.x && work.y + work.height <= state.y;
        };
        const deadline = performance.now() + 60_000;
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
      // With the window of time that was chosen before.
      await (await page()).locator('.tile.first_pass').getByText('last 30 days').waitFor();
    });

    it('leads a decision to the native flow in which it is answered', async () => {
      await (await page()).getByRole('button', { name: /Approve merge/ }).click();
      await window.editorTab(/Baton: pricing-fix/).waitFor();
    });
  });

  describe('on ten thousand tasks', () => {
    before(async () => {
      await window.openFolder(await repository('huge', path.join(temp.path, 'huge')));
      await window.openContainer('Baton');
      await window.waitForRow('Piece of work number 0,');
      await window.clickViewAction('Queue', 'Open Dashboard');
    });

    it('scrolls through the whole queue with a few hundred rows in the page, and keeps the keyboard in it', async () => {
      const frame = await window.webview('main#dashboard [data-queue]');
      const table = frame.locator('[data-queue]');
      const rows = table.locator('tbody tr:not(.gap)');
      assert.equal(await frame.getByRole('table', { name: 'Queue' }).getAttribute('aria-rowcount'), '9001');
      await frame.evaluate("document.querySelector('[data-queue]').scrollTop = 1e9");
      await rows.filter({ hasText: 'Piece of work number 9998,' }).waitFor();
      assert.equal(await rows.last().getAttribute('aria-rowindex'), '9001');
      assert.ok((await rows.count()) <= 200);
      const last = rows.last().getByRole('button');
      await last.focus();
      await last.press('ArrowUp');
      assert.match(await frame.locator(':focus').innerText(), /number 9997,/);
      await frame.evaluate("document.querySelector('[data-queue]').scrollTop = 0");
      await rows.filter({ hasText: 'Piece of work number 0,' }).waitFor();
      assert.equal(await table.and(frame.locator(':focus')).count(), 1);
    });

    it('shows 200 tasks of a group in the tree, then more on demand', async () => {
      const queue = window.view('Queue');
      await window.waitForRow('Piece of work number 0,', queue);
      const more = queue.getByRole('treeitem').filter({ hasText: 'Show More…' });
      const list = queue.locator('.monaco-list');
      await list.focus();
      for (let step = 0; (await more.count()) === 0 && step < 120; step += 1) {
        // One look may come before the page is drawn; further down the row would be gone again.
        await list.press(step % 40 === 39 ? 'Home' : 'PageDown');
        await more.first().waitFor({ timeout: 200 }).catch(() => undefined);
      }
      assert.match(await more.first().innerText(), /8800 more/);
    });
  });
});
