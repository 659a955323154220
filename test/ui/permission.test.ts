import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { stringify } from 'yaml';
import { readLeaderInfo } from '../../src/adapters/leader/lock.ts';
import type { TaskExecution } from '../../src/core/execution.ts';
import { runtimeDirectory } from '../../src/host/directories.ts';
import { findRepository } from '../../src/host/repositoryKey.ts';
import { claudeEnvironment, provisionClaude } from '../support/agents.ts';
import { byPrompt, type Conversation, type ToolUse } from '../support/modelServer/scenario.ts';
import { ModelServer } from '../support/modelServer/server.ts';
import { until } from '../support/processes.ts';
import { makeRepo, type TestRepo } from '../support/repo.ts';
import { keepTempDir } from '../support/tmp.ts';
import { openWorkbench, type Workbench } from '../support/vscode/workbench.ts';

const write = (file: string): ToolUse => ({ tool: 'shell', command: `node -e "require('fs').writeFileSync('${file}', '')"` });
const QUESTION = { question: 'Tabs or spaces?', header: 'Style', multiSelect: false, options: [{ label: 'Tabs', description: 'one byte' }, { label: 'Spaces', description: 'everywhere alike' }] };

/** The CLI tells its surroundings in a message after the prompt, so the task stands in any of the user's messages. */
const about = (task: string) => (conversation: Conversation) => conversation.messages.some(({ role, text }) => role === 'user' && text.includes(`Task ${task}`));

/** The real Claude Code CLI, asking through the real views; only the model behind it is scripted. */
describe('Permissions of an agent in VS Code', function () {
  this.timeout(300_000);
  const temp = keepTempDir();
  let server: ModelServer;
  let repo: TestRepo;
  let window: Workbench;
  let key = '';
  const env = { XDG_DATA_HOME: path.join(temp.path, 'data'), XDG_RUNTIME_DIR: path.join(temp.path, 'run') };
  const needsYou = () => window.view('Needs You');
  const asked = (task: string, title = 'Allow command\\?') => window.waitForRow(new RegExp(`${title}.*${task}`), needsYou());
  const merge = (task: string) => window.waitForRow(new RegExp(`Approve merge.*${task}`), needsYou());
  const files = (task: string) => repo.git('ls-tree', '--name-only', `baton/${task}`);
  const leader = (): number | undefined => readLeaderInfo(runtimeDirectory(env), key)?.pid;
  /** Every task's attempts and open decisions. */
  const waiting = async (): Promise<unknown[]> => {
    const names = (await readdir(path.join(repo.root, '.baton/state'))).sort();
    const tasks = await Promise.all(names.map(async (name) => JSON.parse(await readFile(path.join(repo.root, '.baton/state', name), 'utf8')) as TaskExecution));
    return tasks.map(({ task_id, attempts, decisions }) => [task_id, attempts.map(({ attempt_id, outcome, process: root }) => [attempt_id, outcome, root]), decisions.filter(({ status }) => status === 'open').map(({ id }) => id)]);
  };
  const output = (needle: string) => server.requests.flatMap(({ conversation }) => conversation?.results ?? []).some((result) => result.output.includes(needle));

  before(async () => {
    const claude = await provisionClaude();
    server = await ModelServer.start();
    const done = { tools: [{ tool: 'write' as const, path: 'DONE.md', content: 'done\n' }] };
    const end = { text: 'Done.' };
    const url = server.scenario(
      'permissions',
      byPrompt([
        { when: about('allowed'), turns: [{ tools: [write('allowed.txt')] }, done, end] },
        { when: about('edited'), turns: [{ tools: [write('asked.txt')] }, done, end] },
        { when: about('denied'), turns: [{ tools: [write('denied.txt')] }, done, end] },
        { when: about('question'), turns: [{ tools: [{ tool: 'named', name: 'AskUserQuestion', input: { questions: [QUESTION] } }] }, done, end] },
      ]),
    );
    const configuration = {
      agents: { claude: { driver: 'claude', command: claude, env: claudeEnvironment(path.join(temp.path, 'home'), url) } },
      gates: [{ name: 'done', run: 'node -e "require(\'fs\').readFileSync(\'DONE.md\')"' }],
    };
    const tasks = ['allowed', 'edited', 'denied', 'question'].map((id) => ({ id, goal: `Task ${id}` }));
    repo = await makeRepo({ '.baton/orchestrator.yaml': stringify(configuration), '.baton/tasks.yaml': stringify({ tasks }) }, path.join(temp.path, 'sample'));
    key = (await findRepository(repo.root)).key;
    window = await openWorkbench(repo.root, { env });
    await window.openContainer('Baton');
    await window.runCommand('Baton: Start');
  });

  after(async () => {
    await (window as Workbench | undefined)?.close();
    await (server as ModelServer | undefined)?.close();
    await temp.remove();
  });

  it('wait in Needs You, and nothing runs before the answer (row 249)', async () => {
    for (const task of ['allowed', 'edited', 'denied']) await asked(task);
    await asked('question', 'Answer question');
    await window.statusItem('Baton: 4 need you').waitFor();
    await window.screenshot('permissions');
    assert.equal(output('allowed.txt'), false);
  });

  it('stay open through Reload Window and a killed extension host, with the same agents waiting (rows 249, 255)', async () => {
    const open = await waiting();
    assert.equal(open.length, 4);
    const host = leader();
    await window.reload();
    await until('the next extension host leads', () => leader() !== undefined && leader() !== host, 120_000);
    const next = leader();
    process.kill(next ?? 0, 'SIGKILL');
    // In a browser VS Code does not start another one by itself.
    await window.reload();
    await until('another extension host leads', () => leader() !== undefined && leader() !== next, 120_000);
    await window.statusItem('Baton: 4 need you').waitFor({ timeout: 120_000 });
    for (const task of ['allowed', 'edited', 'denied']) await asked(task);
    assert.deepEqual(await waiting(), open);
  });

  it('are shown whole before a stray Enter could allow them', async () => {
    await window.clickUntil(await asked('allowed'), window.quickInput);
    await window.quickInput.getByText('Show the Whole Request').waitFor();
    await window.page.keyboard.press('Enter');
    const page = await window.webview('h2#whole-input');
    await page.getByText("require('fs').writeFileSync('allowed.txt', '')").first().waitFor();
    await window.runCommand('View: Close All Editors');
    await asked('allowed');
  });

  it('are allowed from the item', async () => {
    await window.clickUntil(await asked('allowed'), window.quickInput);
    await window.pick('Allow');
    await merge('allowed');
    assert.match(await files('allowed'), /allowed\.txt/);
  });

  it('are allowed with an edited command', async () => {
    await window.clickUntil(await asked('edited'), window.quickInput);
    await window.pick('Allow with Edited Command…');
    await window.typeIntoQuickInput("node -e \"require('fs').writeFileSync('instead.txt', '')\"");
    await merge('edited');
    assert.match(await files('edited'), /instead\.txt/);
    assert.doesNotMatch(await files('edited'), /asked\.txt/);
  });

  it('are denied with words that the agent reads', async () => {
    await window.clickRowAction(await asked('denied'), 'Reject');
    await window.typeIntoQuickInput('Not on a Friday.');
    await merge('denied');
    assert.doesNotMatch(await files('denied'), /denied\.txt/);
    assert.ok(output('Not on a Friday.'));
  });

  it('cost no agent its attempt', async () => {
    for (const [, attempts] of (await waiting()) as [string, unknown[]][]) assert.equal(attempts.length, 1);
  });

  it('answer the agent’s own question', async () => {
    await window.clickRowAction(await asked('question', 'Answer question'), 'Approve');
    await window.quickPickRow('Spaces').waitFor();
    await window.screenshot('agent-question');
    await window.pick('Spaces');
    await merge('question');
    assert.ok(output('Spaces'));
  });
});
