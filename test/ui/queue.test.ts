import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Locator } from 'playwright-core';
import { until } from '../support/processes.ts';
import { makeRepo, type TestRepo } from '../support/repo.ts';
import { keepTempDir } from '../support/tmp.ts';
import { openWorkbench, type Workbench } from '../support/vscode/workbench.ts';

/** Really edits the worktree. A task whose id has "slow" works until the file named in its folder's GO lets it end. */
const AGENT = `
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
const id = process.env.BATON_TASK_ID;
const prompt = readFileSync(0, 'utf8');
console.log('working on ' + id);
if (id.includes('slow')) while (!existsSync(readFileSync('GO', 'utf8').trim())) await new Promise((done) => setTimeout(done, 50));
appendFileSync('NOTES.md', id + (prompt.includes('in capitals') ? ' IN CAPITALS' : '') + '\\n');
`;
const CONFIGURATION = `
agents:
  writer: {driver: command, command: node, args: [agent.mjs]}
roles: {implementer: writer}
gates:
  - {name: notes, run: "node -e \\"require('fs').readFileSync('NOTES.md')\\""}
budget: {allow_unpriced: true}
`;

describe('Baton in VS Code', function () {
  this.timeout(300_000);
  const temp = keepTempDir();
  const go = path.join(temp.path, 'go');
  let repo: TestRepo;
  let window: Workbench;
  const queue = () => window.view('Queue');
  const needsYou = () => window.view('Needs You');
  const row = (text: string | RegExp) => window.waitForRow(text, queue());

  before(async () => {
    repo = await makeRepo({ 'agent.mjs': AGENT, 'NOTES.md': '# Notes\n', GO: go }, path.join(temp.path, 'sample'));
    window = await openWorkbench(repo.root, { env: { XDG_DATA_HOME: path.join(temp.path, 'data'), XDG_RUNTIME_DIR: path.join(temp.path, 'run') } });
    await window.openContainer('Baton');
  });

  after(async () => {
    await (window as Workbench | undefined)?.close();
    await temp.remove();
  });

  async function add(goal: string): Promise<void> {
    await window.runCommand('Baton: New Task…');
    await window.typeIntoQuickInput(goal);
    await row(goal);
  }

  async function notesOn(ref: string): Promise<string> {
    return repo.git('show', `${ref}:NOTES.md`);
  }

  /** Waits until the notes on a ref say so. */
  async function expectNotes(ref: string, wanted: RegExp): Promise<void> {
    await until(`${ref} has ${String(wanted)}`, async () => wanted.test(await notesOn(ref)), 120_000);
  }

  /** Opens the changed files of the third chapter. */
  const openFiles = (seen: Locator) => window.expandRows(['Write the third chapter', 'Files Changed'].map((text) => window.row(text, queue())), seen);

  it('invites to a first task, and writes nothing before one is asked for', async () => {
    await queue().getByText('Queue a task, and a coding agent works on it').waitFor();
    await needsYou().getByText('Nothing needs you.').waitFor();
    assert.equal(existsSync(path.join(repo.root, '.baton')), false);
  });

  it('creates the configuration and opens it', async () => {
    await window.runCommand('Baton: Create Configuration');
    await window.editorTab('orchestrator.yaml').waitFor();
    const file = path.join(repo.root, '.baton/orchestrator.yaml');
    assert.ok(existsSync(file));
    await writeFile(file, CONFIGURATION);
    await row('Describe in the README how to run the tests');
  });

  it('shows a finding in the configuration where it stands, and takes it back when it is mended', async () => {
    const file = path.join(repo.root, '.baton/orchestrator.yaml');
    await writeFile(file, `${CONFIGURATION}gate: []\n`);
    await window.page.locator('.monaco-editor .squiggly-error').first().waitFor();
    await window.statusItem('Baton degraded').waitFor();
    await writeFile(file, CONFIGURATION);
    await window.page.locator('.monaco-editor .squiggly-error').first().waitFor({ state: 'detached' });
    await window.runCommand('View: Close All Editors');
  });

  it('takes a new task in one line, writes its file and reveals it', async () => {
    await add('Write the slow chapter');
    assert.ok(existsSync(path.join(repo.root, '.baton/tasks/write-the-slow-chapter.md')));
    const added = await row('Write the slow chapter');
    await until('the task is selected', async () => (await added.getAttribute('aria-selected')) === 'true');
  });

  it('orders the queue by hand: up, down and run next (row 221)', async () => {
    await add('Write the second chapter');
    await add('Write the third chapter');
    const order = async () => (await window.rows(queue())).flatMap((text) => /Write the (slow|second|third) chapter/.exec(text)?.[1] ?? []);
    const isOrder = async (wanted: string[]) => {
      const deadline = performance.now() + 60_000;
      while (JSON.stringify(await order()) !== JSON.stringify(wanted) && performance.now() < deadline) await window.page.waitForTimeout(50);
      assert.deepEqual(await order(), wanted);
    };
    await isOrder(['slow', 'second', 'third']);
    await window.clickRowMenu(await row('Write the third chapter'), 'Move Up');
    await isOrder(['slow', 'third', 'second']);
    await window.clickRowAction(await row('Write the second chapter'), 'Run Next');
    await isOrder(['second', 'slow', 'third']);
    await window.clickRowMenu(await row('Write the second chapter'), 'Move Down');
    await isOrder(['slow', 'second', 'third']);
    await window.dragRow(window.row('Write the third chapter', queue()), window.row('Write the second chapter', queue()), async () => (await order()).join() === 'slow,third,second');
  });

  it('runs nothing before Start, then shows what runs with its time, and asks for the merges (row 247)', async () => {
    await row('Nothing runs before you start Baton');
    await window.runCommand('Baton: Start');
    await row('Running');
    await (await row('Write the slow chapter')).getByText(/^(\d+m)?\d+s\b/).waitFor();
    await window.waitForRow(/Approve merge.*write-the-second-chapter/, needsYou());
    await window.waitForRow(/Approve merge.*write-the-third-chapter/, needsYou());
    await window.statusItem(/Baton: \d need you/).waitFor();
    await window.screenshot('real-queue');
  });

  it('shows a live transcript', async () => {
    await window.clickRowAction(await row('Write the slow chapter'), 'Open Transcript');
    await window.editorTab(/write-the-slow-chapter a1/).waitFor();
    await window.page.locator('.monaco-editor').getByText('working on write-the-slow-chapter').first().waitFor();
    await window.screenshot('real-transcript');
    await window.runCommand('View: Close All Editors');
  });

  it('lets no stray Enter approve anything', async () => {
    await window.runCommand('Baton: Approve');
    await window.quickInput.getByText('Look at Needs You first').waitFor();
    await window.page.keyboard.press('Enter');
    await window.quickInput.waitFor({ state: 'hidden' });
    await window.waitForRow(/Approve merge.*write-the-second-chapter/, needsYou());
    assert.equal((await notesOn('main')).includes('second'), false);
  });

  it('ticks a reviewed file, and takes the tick back when the file changes again (row 224)', async () => {
    const box = window.row('NOTES.md', queue()).getByRole('checkbox');
    await openFiles(box);
    await box.click();
    await until('the tick', async () => (await box.getAttribute('aria-checked')) === 'true');
    await window.clickRowAction(await window.waitForRow(/Approve merge.*write-the-third-chapter/, needsYou()), 'Request Changes');
    await window.typeIntoQuickInput('Write it in capitals.');
    // The rework may be over before a row could be seen at work: what lasts is its commit.
    await expectNotes('baton/write-the-third-chapter', /write-the-third-chapter IN CAPITALS/);
    await window.waitForRow(/Approve merge.*write-the-third-chapter/, needsYou());
    await openFiles(queue().getByRole('checkbox', { checked: false }).first());
  });

  it('reviews all changes in the multi-file diff and merges from its title (row 224)', async () => {
    const review = window.editorTab(/Baton: write-the-second-chapter \(baton\/write-the-second-chapter ↔ main\)/);
    await window.clickUntil(await window.waitForRow(/Approve merge.*write-the-second-chapter/, needsYou()), review);
    await window.page.locator('.editor-actions .action-label[aria-label^="Approve & Merge"]').click();
    await row('Done today');
    assert.match(await notesOn('main'), /write-the-second-chapter/);
    assert.match(readFileSync(path.join(repo.root, 'NOTES.md'), 'utf8'), /write-the-second-chapter/);
    await window.screenshot('real-merged');
  });

  it('shows the report of a task with its evidence (row 248)', async () => {
    await window.clickRowMenu(await row('Write the third chapter'), 'Show Report');
    const page = await window.webview('h2#evidence');
    await page.getByText('Round 1, on the branch: passed').waitFor();
    assert.match(await page.locator('h2#evidence ~ table').first().innerText(), /notes\s+passed/);
    await window.screenshot('real-report');
    await window.runCommand('View: Close All Editors');
  });

  it('cancels a running task, and retries it', async () => {
    await window.clickRowAction(await row('Write the slow chapter'), 'Cancel');
    await (await row('Write the slow chapter')).getByText('cancelled').waitFor();
    await writeFile(go, '');
    await window.clickRowAction(await row('Write the slow chapter'), 'Retry');
    await window.waitForRow(/Approve merge.*write-the-slow-chapter/, needsYou());
  });

  it('says from the palette when a command applies to nothing', async () => {
    await window.runCommand('Baton: Send Message to Agent…');
    await window.notification('No agent is running.');
  });

  it('goes on after the window is loaded again', async () => {
    await window.page.reload();
    await window.openContainer('Baton');
    await row('Done today');
    await window.waitForRow(/Approve merge.*write-the-slow-chapter/, needsYou());
    await until('the badge', async () => (await window.containerBadge('Baton')) === '3');
  });
});
