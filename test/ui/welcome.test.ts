import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Locator } from 'playwright-core';
import { makeSample } from '../../scripts/sample.ts';
import { runtimeDirectory } from '../../src/host/directories.ts';
import { findRepository } from '../../src/host/repositoryKey.ts';
import { makeRepo } from '../support/repo.ts';
import { keepTempDir } from '../support/tmp.ts';
import { BatonWindow } from '../support/vscode/baton.ts';
import { ROOT } from '../support/vscode/cache.ts';
import { openWorkbench, type Workbench } from '../support/vscode/workbench.ts';

const AGENT = 'agents:\n  scripted: {driver: command, command: node}\n';
const NO_AGENT = 'agents:\n  claude: {driver: claude, command: claude-is-not-here}\n';

describe('the empty views', function () {
  this.timeout(300_000);
  const temp = keepTempDir();
  const env = { HOME: temp.path, XDG_DATA_HOME: path.join(temp.path, 'data'), XDG_RUNTIME_DIR: path.join(temp.path, 'run') };
  let workbench: Workbench | undefined;

  before(() => mkdir(env.XDG_RUNTIME_DIR, { mode: 0o700 }));
  after(() => temp.remove());

  describe('teach what is missing', () => {
    const folder = path.join(temp.path, 'plain');

    before(async () => {
      workbench = await openWorkbench(null, { env });
    });
    after(() => workbench?.close());

    it('without a folder', async () => {
      await says('Open a folder that is a git repository, and Baton works off tasks in it.', 'Open Folder');
      await workbench?.screenshot('welcome-no-folder');
    });

    it('in a folder that is no repository, until it is one', async () => {
      await mkdir(folder);
      await workbench?.openFolder(folder);
      await says('This folder is not a git repository.', 'Initialize Repository');
      await makeRepo({ 'README.md': '# Plain\n' }, folder);
      await (await says('This folder is not a git repository.', 'Look Again')).click();
      await says('Queue a task, and a coding agent works on it in its own git worktree.', 'New Task…');
      assert.equal(existsSync(path.join(folder, '.baton')), false, 'nothing is written unasked');
      await workbench?.screenshot('welcome-not-in-use');
    });

    it('without a coding agent: the command that installs one', async () => {
      await configure(NO_AGENT);
      await says('No coding agent was found.', 'Install a Coding Agent…');
      await says('npm install -g @anthropic-ai/claude-code', 'Look Again');
      await workbench?.screenshot('welcome-no-agent');
    });

    it('without a task', async () => {
      await configure(AGENT);
      await (await says('There are no tasks yet, and nothing runs before you start Baton.', 'Start')).click();
      await says('There are no tasks. Queue one, or write .baton/tasks.yaml.', 'New Task…');
      await workbench?.screenshot('welcome-no-tasks');
    });

    /** As an editor saves it: the window has to notice. */
    async function configure(text: string): Promise<void> {
      await mkdir(path.join(folder, '.baton'), { recursive: true });
      await writeFile(path.join(folder, '.baton/orchestrator.yaml'), text);
    }
  });

  it('say that git is missing', async () => {
    const nothing = path.join(temp.path, 'empty');
    await mkdir(nothing);
    workbench = await openWorkbench(nothing, {
      // VSCODE_CLI: VS Code asks no login shell for a PATH.
      env: { ...env, PATH: nothing, VSCODE_CLI: '1' },
    });
    try {
      await says('git was not found.', 'Download Git');
      await workbench.screenshot('welcome-no-git');
    } finally {
      await workbench.close();
    }
  });

  describe('in Restricted Mode', () => {
    let folder = '';
    let files: unknown;

    before(async () => {
      folder = (await makeSample({ dir: path.join(temp.path, 'till'), project: ROOT, pace: 0 })).dir;
      files = readdirSync(path.join(folder, '.baton'), { recursive: true });
      workbench = await openWorkbench(folder, { env, workspaceTrust: true });
    });
    after(() => workbench?.close());

    it('say so, and nothing runs', async () => {
      await says('so it runs nothing in Restricted Mode.', 'Manage Workspace Trust');
      const baton = window();
      await baton.needsYou.getByText('Nothing runs in Restricted Mode.').waitFor();
      assert.equal(await baton.status.count(), 0);
      await workbench?.page.keyboard.press('F1');
      await workbench?.typeIntoQuickInput('>Baton: ', false);
      await workbench?.quickPickRow('Baton: Show Log').waitFor();
      const offered = (await workbench?.quickPickLabels()) ?? [];
      assert.deepEqual(offered.filter((label) => /Start|New Task|Approve|Retry/.test(label)), []);
      await workbench?.page.keyboard.press('Escape');
      await workbench?.screenshot('welcome-restricted');
      assert.deepEqual(readdirSync(path.join(folder, '.baton'), { recursive: true }), files);
      const { key } = await findRepository(folder);
      assert.equal(existsSync(path.join(runtimeDirectory(env), `${key}.lock`)), false, 'nobody leads');
    });

    it('give way to the queue as soon as the folder is trusted', async () => {
      await (await says('so it runs nothing in Restricted Mode.', 'Manage Workspace Trust')).click();
      await workbench?.page.getByRole('button', { name: 'Trust', exact: true }).click();
      await window().task('Read quoted CSV fields').waitFor();
      await window().waitForStatus('Baton: start 6 tasks');
      assert.ok(existsSync(path.join(folder, '.baton/baton.db')));
    });
  });

  function window(): BatonWindow {
    assert.ok(workbench);
    return new BatonWindow(workbench);
  }

  /** Waits for the queue's welcome text and returns the button in it. */
  async function says(text: string, button: string): Promise<Locator> {
    await window().workbench.openContainer('Baton');
    const welcome = window().queue.locator('.welcome-view-content');
    await welcome.getByText(text).first().waitFor();
    const action = welcome.getByRole('button', { name: button, exact: true }).or(welcome.getByRole('link', { name: button, exact: true })).first();
    await action.waitFor();
    return action;
  }
});
