import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { makeRepo } from '../support/repo.ts';
import { keepTempDir } from '../support/tmp.ts';
import { ROOT } from '../support/vscode/cache.ts';
import { ALL_THEMES, openWorkbench, type Workbench } from '../support/vscode/workbench.ts';

interface Manifest {
  readonly name: string;
  readonly displayName: string;
  readonly publisher: string;
  readonly version: string;
  readonly contributes?: {
    readonly viewsContainers?: { readonly activitybar?: readonly { readonly id: string; readonly title: string }[] };
    readonly views?: Readonly<Record<string, readonly { readonly name: string; readonly when?: string }[]>>;
  };
}

const PACKAGED = process.env['BATON_TEST_VSIX'] !== undefined;
const manifest = readJson('package.json') as Manifest;

describe(PACKAGED ? 'the packaged extension in the workbench' : 'the workbench', function () {
  this.timeout(300_000);
  const temp = keepTempDir();
  let workbench: Workbench;

  before(async () => {
    const repo = await makeRepo({ 'README.md': '# Sample\n\nA folder to open.\n' }, path.join(temp.path, 'sample'));
    workbench = await openWorkbench(repo.root);
  });

  after(async () => {
    await (workbench as Workbench | undefined)?.close();
    await temp.remove();
  });

  it('opens on a git folder', async () => {
    await workbench.waitForRow('README.md');
    await workbench.statusItem('main').waitFor();
    const file = await workbench.screenshot('workbench-git-folder');
    assert.ok(statSync(file).size > 10_000);
  });

  it('activates the extension without an error', async () => {
    const { activation, message } = await workbench.runningExtension(manifest.displayName, `${manifest.publisher}.${manifest.name}`);
    assert.match(activation, /Activation: \d+ms/);
    assert.doesNotMatch(message, /error/i);
  });

  if (PACKAGED) {
    it('packages every file of the build but source maps', () => {
      const { name, publisher, version } = manifest;
      const dist = path.join(workbench.server.dataDir, 'extensions', `${publisher}.${name}-${version}`, 'dist');
      const built = Object.keys((readJson('out/meta.json') as { outputs: Record<string, unknown> }).outputs).filter((file) => !file.endsWith('.map'));
      assert.deepEqual(readdirSync(dist).sort(), built.map((file) => path.basename(file)).sort());
    });
  }

  it('shows every view of the extension, served by the extension', async () => {
    const { contributes = {} } = manifest;
    for (const container of contributes.viewsContainers?.activitybar ?? []) {
      await workbench.openContainer(container.title);
      for (const view of contributes.views?.[container.id] ?? []) {
        if (view.when === undefined) await workbench.view(view.name).waitFor();
      }
      await workbench.screenshot(`views-${container.id}`);
      const unserved = workbench.page.getByText('There is no data provider registered');
      assert.equal(await unserved.count(), 0, `a view of ${container.title} has no data provider`);
    }
  });

  it('shows webviews', async () => {
    await workbench.page.keyboard.press('Control+Shift+E');
    await (await workbench.waitForRow('README.md')).click();
    await workbench.editorTab('README.md').waitFor();
    await workbench.runCommand('Markdown: Open Preview');
    const frame = await workbench.webview('h1');
    assert.equal(await frame.locator('h1').innerText(), 'Sample');
    await workbench.screenshot('workbench-webview');
  });

  for (const theme of ALL_THEMES) {
    it(`follows the ${theme} theme`, async () => {
      await workbench.changeTheme(theme);
      await workbench.screenshot(`workbench-${theme}`);
    });
  }
});

function readJson(file: string): unknown {
  return JSON.parse(readFileSync(path.join(ROOT, file), 'utf8'));
}
