/** Opens VS Code on the recorded snapshot in all kinds of themes and keeps pictures of every surface in out/screenshots. */
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';
import { makeRepo } from '../repo.ts';
import { keepTempDir } from '../tmp.ts';
import { openWorkbench, type Theme, type Workbench } from '../vscode/workbench.ts';

const EXTENSION = path.resolve('out/screenshots-extension');
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

async function buildExtension(): Promise<void> {
  rmSync(EXTENSION, { recursive: true, force: true });
  mkdirSync(EXTENSION, { recursive: true });
  cpSync('package.json', path.join(EXTENSION, 'package.json'));
  cpSync('media', path.join(EXTENSION, 'media'), { recursive: true });
  const common = { bundle: true, platform: 'node', format: 'cjs', target: 'node22', external: ['vscode'] as string[] } as const;
  const entryPoints = { extension: 'src/extension.ts', onDemand: 'src/vscode/onDemand.ts', engine: 'test/support/screenshots/engine.ts' };
  await build({ ...common, entryPoints, outdir: path.join(EXTENSION, 'dist') });
}

async function repository(scene: string, root: string): Promise<string> {
  const repo = await makeRepo({ 'src/price.js': 'export function total(items) {\n  return Math.round(sum(items) * 100) / 100;\n}\n', 'src/old.js': 'export const legacy = true;\n', 'README.md': '# Shop\n' }, root);
  if (scene === 'not_in_use') return repo.root;
  await repo.git('checkout', '--quiet', '-b', 'baton/pricing-fix');
  await repo.git('rm', '--quiet', 'src/old.js');
  await repo.commit('Fix', { 'src/price.js': "import { halfEven } from './round.js';\n\nexport function total(items) {\n  return halfEven(sum(items), 2);\n}\n", 'src/round.js': 'export function halfEven(value, digits) {\n  const factor = 10 ** digits;\n  return Math.round(value * factor) / factor;\n}\n' });
  await repo.git('checkout', '--quiet', 'main');
  await repo.write({ '.baton/scene': scene });
  writeFileSync(path.join(repo.root, '.git/info/exclude'), '.baton\n');
  return repo.root;
}

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
    await window.expandRow(window.row('Round prices half to even', window.view('Queue')));
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
    await window.expandRow(await window.waitForRow('Round prices half to even', queue));
    await window.expandRow(await window.waitForRow('Files Changed', queue));
    await window.waitForRow('round.js', queue);
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
