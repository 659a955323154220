import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Locator } from 'playwright-core';
import type { TasksDocument } from '../../src/cli/json.ts';
import { findRepository } from '../../src/host/repositoryKey.ts';
import { runtimeDirectory } from '../../src/host/directories.ts';
import { readLeaderInfo } from '../../src/adapters/leader/lock.ts';
import { readTranscript } from '../../src/adapters/runs/transcript.ts';
import type { Conversation } from '../support/modelServer/scenario.ts';
import { ModelServer } from '../support/modelServer/server.ts';
import { until } from '../support/processes.ts';
import { sampleModel, taskIn } from '../support/sample/model.ts';
import { makeClaudeSample, type SampleRepository } from '../support/sample/repository.ts';
import { oneStory } from '../support/story.ts';
import { keepTempDir } from '../support/tmp.ts';
import { BatonWindow } from '../support/vscode/baton.ts';
import { openWorkbench, type Workbench } from '../support/vscode/workbench.ts';

const SLUGS = 'Keep accented letters readable';
const TOTALS = 'Totals are off by a cent';

/** One story: a window is reloaded, a second one and the command line come along, and the first one goes. */
describe('a repository in windows that come and go', function () {
  this.timeout(300_000);
  oneStory();
  const temp = keepTempDir();
  const windows: Workbench[] = [];
  let model: ModelServer;
  let sample: SampleRepository;
  let first: BatonWindow;
  let second: BatonWindow;
  let key = '';
  /** Ends the hold of the model's answers, whether or not somebody still waits for them. */
  const releases: (() => void)[] = [];
  const hold = (): Promise<void> => new Promise((resolve) => releases.push(resolve));

  const leader = (): number | undefined => readLeaderInfo(runtimeDirectory(sample.env), key)?.pid;
  const turns = (id: string): Conversation[] => model.turns('till').flatMap(({ conversation }) => (conversation !== undefined && taskIn(conversation) === id ? [conversation] : []));
  const text = async (item: Locator): Promise<string> => (await item.innerText()).replace(/\s+/g, ' ').trim();

  before(async function () {
    this.timeout(600_000);
    model = await ModelServer.start();
    const script = await sampleModel({ 'slugify-accents': { hold: hold(), holdAt: 1 }, 'round-half-cents': { hold: hold() } });
    sample = await makeClaudeSample({ folder: temp.path, model: model.scenario('till', script), tasks: ['slugify-accents'] });
    key = (await findRepository(sample.root)).key;
    const workbench = await openWorkbench(sample.root, { env: sample.env });
    windows.push(workbench);
    first = new BatonWindow(workbench);
    await workbench.openContainer('Baton');
    await first.task(SLUGS).waitFor();
  });

  after(async () => {
    for (const release of releases) release();
    for (const window of windows.reverse()) await window.close();
    await (model as ModelServer | undefined)?.close();
    await temp.remove();
  });

  it('leaves a running agent at work through Reload Window and a killed extension host (rows 230, 255)', async () => {
    await first.workbench.runCommand('Baton: Start');
    await until('the agent is in the middle of its work', () => turns('slugify-accents').length === 2, 120_000);
    const [running] = (await sample.task('slugify-accents'))?.attempts ?? [];
    assert.equal(running?.outcome, 'running');
    const host = leader();
    await first.workbench.reload();
    await first.task(SLUGS).waitFor({ timeout: 120_000 });
    await until('the next extension host leads', () => leader() !== undefined && leader() !== host, 120_000);
    const killed = leader();
    process.kill(killed ?? 0, 'SIGKILL');
    // In a browser VS Code does not start another one by itself.
    await first.workbench.reload();
    await until('another extension host leads', () => leader() !== undefined && leader() !== killed, 120_000);
    const during = (await sample.task('slugify-accents'))?.attempts ?? [];
    assert.deepEqual(during.map(({ outcome, process: root }) => [outcome, root]), [['running', running.process]]);
    releases[0]?.();
    await first.decision('Approve merge', 'slugify-accents').waitFor({ timeout: 120_000 });
    const task = await sample.task('slugify-accents');
    assert.deepEqual(task?.attempts.map(({ outcome, session_id, process: root }) => [outcome, session_id, root]), [['succeeded', running.session_id, running.process]]);
    assert.deepEqual([task.interruptions, task.steps[0]?.attempt], [0, 1]);
    assert.equal(turns('slugify-accents').some((one) => one.prompt.includes('You were interrupted')), false);
    await gone(running.process?.pid);
    await gone(running.runner?.pid);
  });

  it('has the whole of what the agent said in its transcript, once (rows 236, 255)', async () => {
    const entries = readTranscript(path.join(sample.root, '.baton/runs/slugify-accents/a1'));
    assert.deepEqual(entries.map(({ seq }) => seq), entries.map((_, index) => index));
    assert.deepEqual([entries[0]?.type, entries.at(-1)?.type], ['prompt', 'end']);
    const said = entries.flatMap(({ type, text: words }) => (type === 'text' ? [words] : []));
    assert.equal(said.length, 3);
    assert.equal(new Set(said).size, 3);
    await first.waitForStatus('Baton: 1 needs you');
  });

  it('shows the same in a second window, which is a client of the first (row 241)', async () => {
    const before = leader();
    const workbench = await openWorkbench(sample.root, { server: first.workbench.server });
    windows.push(workbench);
    second = new BatonWindow(workbench);
    await workbench.openContainer('Baton');
    await second.decision('Approve merge', 'slugify-accents').waitFor();
    await second.waitForStatus('Baton: 1 needs you');
    assert.equal(leader(), before, 'there is still one leader');
    const seen = await second.texts(second.needsYou);
    assert.deepEqual(await first.texts(first.needsYou), seen);
    assert.match(seen[0] ?? '', /^Approve mergeslugify-accents · \+\d+ −\d+ · 2 files · gates ✓✓/);
  });

  it('takes an answer in the second window to the leader (row 241)', async () => {
    const before = leader();
    await second.approve('Approve merge', 'slugify-accents');
    await first.needsYou.getByText('Nothing needs you.').waitFor();
    for (const window of [first, second]) {
      await window.workbench.row(/^Done today\s*1/, window.queue).waitFor({ timeout: 120_000 });
      await window.waitForStatus('Baton idle');
    }
    assert.equal(leader(), before);
    assert.match(await sample.git('log', '-1', '--format=%B', 'main'), /Baton-Task: slugify-accents/);
  });

  it('shows a task of the command line live in both windows, and obeys it from there too (row 241)', async () => {
    await writeFile(path.join(sample.root, '.baton/tasks/round-half-cents.md'), '---\nworkflow: direct\n---\n# Totals are off by a cent: toCents(1.005) must be 101\n');
    await until('the agent works on it', () => turns('round-half-cents').length === 1, 120_000);
    for (const window of [first, second]) {
      await window.workbench.row(/^Running\s*1/, window.queue).waitFor();
      await window.waitForStatus(/Baton 1▸/);
      const then = await text(window.task(TOTALS));
      await until('its time goes on', async () => (await text(window.task(TOTALS))) !== then);
    }
    const { tasks } = (await sample.baton('active')) as TasksDocument;
    assert.deepEqual(tasks.map(({ id, state }) => [id, state]), [['round-half-cents', 'implementing']]);
    await sample.baton('pause');
    for (const window of [first, second]) await window.queue.getByText('Paused: nothing new starts until you choose Start.').waitFor();
    await second.workbench.runCommand('Baton: Start');
    await first.queue.getByText('Paused: nothing new starts').waitFor({ state: 'detached' });
    assert.equal(turns('round-half-cents').length, 1, 'one agent works on it, not two');
  });

  it('is led by the second window when the first one is closed, with nothing lost and no agent interrupted (rows 241, 255)', async () => {
    const before = leader();
    await first.workbench.page.goto('about:blank');
    await until('the other window leads', () => leader() !== undefined && leader() !== before, 120_000);
    releases[1]?.();
    await second.decision('Approve merge', 'round-half-cents').waitFor({ timeout: 120_000 });
    const task = await sample.task('round-half-cents');
    assert.deepEqual(task?.attempts.map(({ outcome }) => outcome), ['succeeded']);
    await sample.baton('task', 'round-half-cents', '--approve');
    await second.workbench.row(/^Done today\s*2/, second.queue).waitFor({ timeout: 120_000 });
    await second.waitForStatus('Baton idle');
    assert.deepEqual(await second.workbench.notifications(), []);
  });
});

/** Waits until no process has this id any more. */
async function gone(pid: number | undefined): Promise<void> {
  assert.ok(pid !== undefined && pid > 0);
  await until('the process has ended', () => {
    try {
      return !process.kill(pid, 0);
    } catch {
      return true;
    }
  });
}
