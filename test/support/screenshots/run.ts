/** Opens VS Code on the recorded snapshot in all kinds of themes and keeps pictures of every surface in out/screenshots. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { keepTempDir } from '../tmp.ts';
import { openWorkbench, type Theme, type Workbench } from '../vscode/workbench.ts';
import { buildExtension, EXTENSION, repository } from './scene.ts';

const only = process.argv[2];

await buildExtension();
const scenes: Record<string, () => Promise<void>> = {
  dark: () => all('dark'),
  light: () => all('light'),
  contrast: () => all('high-contrast'),
  narrow: () => look('narrow', 'all', { width: 620, height: 700 }),
  files: () => files(),
  untrusted: () => untrusted(),
  multi: () => multi(),
  welcome: async () => {
    for (const scene of ['no_agent', 'never_started', 'no_tasks', 'not_in_use']) await look(`welcome-${scene}`, scene, { width: 900, height: 600 });
  },
};
for (const [name, run] of Object.entries(scenes)) if (only === undefined || only === name) await run();

async function withWindow(scene: string, theme: Theme, size: { width: number; height: number }, act: (window: Workbench) => Promise<void>): Promise<void> {
  const temp = keepTempDir();
  const root = await repository(scene, path.join(temp.path, 'shop'));
  const window = await openWorkbench(root, { theme, size, extension: EXTENSION });
  try {
    await window.openContainer('Baton');
    await act(window);
  } catch (error) {
    await window.screenshot(`failed-${scene}`);
    throw error;
  } finally {
    await window.close();
    await temp.remove();
  }
}

async function look(name: string, scene: string, size: { width: number; height: number }): Promise<void> {
  await withWindow(scene, 'dark', size, async (window) => {
    await window.page.waitForTimeout(4000);
    await window.screenshot(name);
  });
}

async function all(theme: Theme): Promise<void> {
  await withWindow('all', theme, { width: 1400, height: 900 }, async (window) => {
    const { page } = window;
    await window.waitForRow('Round prices half to even');
    await page.waitForTimeout(1500);
    const queue = window.view('Queue');
    await window.expandRows([window.row('Round prices half to even', queue)], window.row('Files Changed', queue));
    await page.waitForTimeout(500);
    await window.screenshot(`${theme}-queue`);
    await window.row('Round prices half to even', window.view('Queue')).hover();
    await page.waitForTimeout(2500);
    await window.screenshot(`${theme}-tooltip`);
    await window.row('Approve merge').click();
    await page.waitForTimeout(3000);
    await window.screenshot(`${theme}-review`);
    await page.locator('.editor-actions .action-label[aria-label^="Show Report"]').first().click();
    await page.waitForTimeout(3000);
    await window.screenshot(`${theme}-report`);
    await window.row('Allow command?').click();
    await page.waitForTimeout(1000);
    await window.screenshot(`${theme}-permission`);
    await page.keyboard.press('Escape');
    await window.runCommand('Baton: New Task…');
    await page.waitForTimeout(1000);
    await window.screenshot(`${theme}-new-task`);
    await page.keyboard.press('Escape');
    await window.row('Make the date test', window.view('Queue')).click();
    await window.clickRowAction(window.row('Make the date test', window.view('Queue')), 'Open Transcript');
    await page.waitForTimeout(4000);
    await window.screenshot(`${theme}-transcript`);
    await window.statusItem('Baton').hover();
    await page.waitForTimeout(2000);
    await window.screenshot(`${theme}-status`);
  });
}


async function files(): Promise<void> {
  await withWindow('all', 'dark', { width: 1400, height: 900 }, async (window) => {
    const queue = window.view('Queue');
    await window.expandRows(['Round prices half to even', 'Files Changed'].map((text) => window.row(text, queue)), window.row('round.js', queue));
    await window.row('round.js', queue).locator('.monaco-custom-toggle, .custom-view-tree-node-item-checkbox').first().click();
    await window.page.waitForTimeout(1500);
    await window.screenshot('files-ticked');
    await window.row('price.js', queue).click();
    await window.page.waitForTimeout(2500);
    await window.screenshot('files-diff');
    await window.runCommand('Baton: Approve');
    await window.page.waitForTimeout(800);
    await window.screenshot('palette-approve');
    await window.page.keyboard.press('Escape');
    await window.runCommand('Baton: Cancel');
    await window.page.waitForTimeout(800);
    await window.screenshot('palette-cancel');
    await window.page.keyboard.press('Escape');
    await window.runCommand('Baton: New Task…');
    await window.quickInput.locator('.action-label').first().click();
    await window.page.waitForTimeout(800);
    await window.screenshot('new-task-more');
    await window.page.keyboard.press('Escape');
    await window.row('Export invoices as CSV', queue).click({ button: 'right' });
    await window.page.waitForTimeout(800);
    await window.screenshot('context-menu');
  });
}

async function untrusted(): Promise<void> {
  const temp = keepTempDir();
  const root = await repository('all', path.join(temp.path, 'shop'));
  const window = await openWorkbench(root, { size: { width: 900, height: 600 }, extension: EXTENSION, workspaceTrust: true });
  await window.openContainer('Baton');
  await window.page.waitForTimeout(2500);
  await window.screenshot('untrusted');
  await window.close();
  await temp.remove();
}

async function multi(): Promise<void> {
  const temp = keepTempDir();
  const roots = [await repository('all', path.join(temp.path, 'shop')), await repository('never_started', path.join(temp.path, 'api')), await repository('not_in_use', path.join(temp.path, 'docs'))];
  const file = path.join(temp.path, 'both.code-workspace');
  writeFileSync(file, JSON.stringify({ folders: roots.map((root) => ({ path: root })) }));
  const window = await openWorkbench(roots[0] ?? '', { size: { width: 1100, height: 800 }, extension: EXTENSION });
  await window.page.goto(window.page.url().replace(/folder=[^&]*/, `workspace=${encodeURIComponent(file)}`));
  await window.page.waitForTimeout(4000);
  await window.openContainer('Baton');
  await window.page.waitForTimeout(3000);
  await window.screenshot('multi');
  await window.runCommand('Baton: New Task…');
  await window.page.waitForTimeout(800);
  await window.screenshot('multi-pick');
  await window.close();
  await temp.remove();
}
