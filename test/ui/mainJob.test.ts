import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { ModelServer } from '../support/modelServer/server.ts';
import { until } from '../support/processes.ts';
import { sampleModel, taskIn } from '../support/sample/model.ts';
import { makeClaudeSample, type SampleRepository } from '../support/sample/repository.ts';
import { oneStory } from '../support/story.ts';
import { keepTempDir } from '../support/tmp.ts';
import { BatonWindow } from '../support/vscode/baton.ts';
import { openWorkbench, type Workbench } from '../support/vscode/workbench.ts';

const run = promisify(execFile);

const TOTALS = 'Totals are off by a cent';
const QUOTED = 'Read quoted CSV fields';
const EXPORT = 'Write CSV: formatCsv(rows)';
const TASKS = ['csv-export', 'csv-quoted-fields', 'readme-usage', 'remove-discount-fraction', 'round-half-cents', 'slugify-accents'];
const WISH = 'Use two spaces less';

/** One job, told in steps: each builds on the one before. */
describe('the main job: a queue worked through by the real Claude CLI', function () {
  this.timeout(300_000);
  oneStory();
  const temp = keepTempDir();
  let model: ModelServer;
  let sample: SampleRepository;
  let workbench: Workbench;
  let baton: BatonWindow;
  let release = (): void => undefined;
  const hold = new Promise<void>((resolve) => (release = resolve));

  before(async function () {
    this.timeout(600_000);
    model = await ModelServer.start();
    const script = await sampleModel({
      'round-half-cents': { hold, commands: ['node --test test/money.test.js'] },
      'csv-quoted-fields': { hold },
      'slugify-accents': { hold, commands: ['node --test --watch test/text.test.js'] },
      'readme-usage': {
        replies: [
          {
            to: WISH,
            turns: [
              { text: 'Two spaces less.', tools: [{ tool: 'read', path: 'README.md' }] },
              { tools: [{ tool: 'edit', path: 'README.md', old: '2 x Tea                     7.00', new: '2 x Tea                   7.00' }] },
              { text: 'The receipt is narrower.' },
            ],
          },
        ],
      },
    });
    sample = await makeClaudeSample({ folder: temp.path, model: model.scenario('till', script) });
    // The user is in the middle of something.
    await writeFile(path.join(sample.root, 'tools/check.mjs'), `// Half a thought.\n${await readFile(path.join(sample.root, 'tools/check.mjs'), 'utf8')}`);
    await writeFile(path.join(sample.root, 'notes.txt'), 'Call the printer shop.\n');
    workbench = await openWorkbench(sample.root, { env: sample.env });
    baton = new BatonWindow(workbench);
  });

  after(async () => {
    release();
    await (workbench as Workbench | undefined)?.close();
    await (model as ModelServer | undefined)?.close();
    await temp.remove();
  });

  it('shows the queue in order and starts nothing by itself', async () => {
    await workbench.openContainer('Baton');
    await baton.task(EXPORT).waitFor();
    const rows = await baton.texts(baton.queue);
    assert.match(rows[0] ?? '', /^Nothing runs before you start Baton/);
    assert.equal(rows[1], 'Waiting6');
    assert.ok(rows.findIndex((row) => row.startsWith(QUOTED)) < rows.findIndex((row) => row.startsWith(EXPORT)), 'what others wait for comes first');
    await baton.waitForStatus('Baton: start 6 tasks');
    assert.deepEqual(await baton.texts(baton.needsYou), []);
    assert.equal(model.requests.length, 0);
  });

  it('runs three tasks at once after Start from the palette, and says so everywhere', async () => {
    await workbench.runCommand('Baton: Start');
    await until('three agents wait for the model', () => model.turns('till').length === 3, 120_000);
    const asked = model.turns('till').map(({ conversation }) => (conversation === undefined ? '' : taskIn(conversation)));
    assert.deepEqual(asked.sort(), ['csv-quoted-fields', 'round-half-cents', 'slugify-accents']);
    const folders = new Set(model.turns('till').map(({ conversation }) => conversation?.cwd));
    assert.equal(folders.size, 3, 'each works in a worktree of its own');
    for (const folder of folders) assert.ok(folder?.startsWith(`${sample.worktrees}/`), `${String(folder)} lies outside the workspace`);
    await workbench.row(/^Running\s*3/, baton.queue).waitFor();
    await workbench.row(/^Waiting\s*2/, baton.queue).waitFor();
    await workbench.row(/^Held\s*1/, baton.queue).waitFor();
    assert.match((await baton.task(TOTALS).innerText()).replace(/\s+/g, ' '), /toCents\(1\.005\) must be 101 ?(\d+m)?\d+s/);
    await baton.decision('Approve start', 'the goal has "remove"').waitFor();
    await baton.waitForStatus('Baton: 1 needs you');
    await until('the badge counts the decision', async () => (await workbench.containerBadge('Baton')) === '1');
  });

  for (const theme of ['light', 'high-contrast', 'dark'] as const) {
    it(`is readable at work in the ${theme} theme`, async () => {
      await workbench.changeTheme(theme);
      await baton.queue.waitFor();
      await workbench.screenshot(`main-job-running-${theme}`);
    });
  }

  it('stays readable in a narrow side bar', async () => {
    await workbench.resizeSideBar(200);
    await workbench.screenshot('main-job-running-narrow');
    await workbench.resizeSideBar(420);
  });

  it('allows a command by the button of its item', async () => {
    release();
    const item = baton.decision('Allow command?', 'round-half-cents · node --test test/money.test.js');
    await item.waitFor();
    await workbench.screenshot('main-job-needs-you');
    await baton.approve('Allow command?', 'round-half-cents');
    await until('the command has run', async () => (await outcome('round-half-cents'))?.includes('fail 0') === true);
    const [decision] = (await sample.task('round-half-cents'))?.decisions ?? [];
    assert.equal(decision?.question, 'Allow Bash: node --test test/money.test.js?');
    assert.equal(decision.answer?.via, 'vscode');
  });

  it('allows another one as the user edited it (row 249)', async () => {
    await workbench.clickUntil(baton.decision('Allow command?', 'slugify-accents'), workbench.quickInput);
    await workbench.screenshot('main-job-permission');
    await workbench.pick('Allow with Edited Command…');
    await workbench.screenshot('main-job-permission-edited');
    await workbench.typeIntoQuickInput('node --test test/text.test.js');
    await until('the edited command has run', async () => (await outcome('slugify-accents'))?.includes('fail 0') === true);
    assert.doesNotMatch((await outcome('slugify-accents')) ?? '', /watch/);
  });

  it('approves a start from the palette (row 4)', async () => {
    await workbench.runCommand('Baton: Approve');
    await workbench.quickInput.waitFor();
    await workbench.screenshot('main-job-palette-approve');
    await workbench.pickContaining('remove-discount-fraction');
    await baton.decision('Approve start', 'remove-discount-fraction').waitFor({ state: 'detached' });
    await baton.decision('Approve merge', 'remove-discount-fraction').waitFor({ timeout: 120_000 });
  });

  it('feeds a failed gate back to the same session, which then passes', async () => {
    await baton.decision('Approve merge', 'csv-quoted-fields').waitFor({ timeout: 120_000 });
    const task = await sample.task('csv-quoted-fields');
    assert.deepEqual(task?.quality_gate_results.map((round) => round.passed), [false, true]);
    assert.equal(new Set(task.attempts.map((attempt) => attempt.session_id)).size, 1);
    await workbench.expandRows([baton.task(QUOTED)], workbench.row(/Gates\s*2 of 2 passed/, baton.queue));
    await workbench.screenshot('main-job-gates');
  });

  it('takes a change request back to the agent', async () => {
    const item = baton.decision('Approve merge', 'readme-usage');
    await item.waitFor({ timeout: 120_000 });
    await workbench.clickRowAction(item, 'Request Changes');
    await workbench.typeIntoQuickInput(`${WISH} before the amounts.`);
    await item.waitFor({ state: 'detached' });
    await until('the model reads it', () => model.turns('till').some(({ conversation }) => conversation?.prompt.includes(`${WISH} before the amounts.`)), 120_000);
    await item.waitFor({ timeout: 120_000 });
  });

  it('opens Review Changes as a multi-file diff of the branch against its base, and merges from its title (row 224)', async () => {
    await workbench.runCommand('Baton: Review Changes');
    await workbench.pickContaining('csv-quoted-fields');
    const tab = workbench.editorTab('Baton: csv-quoted-fields (baton/csv-quoted-fields ↔ main)');
    await tab.waitFor();
    await workbench.page.locator('.editor-group-container .multiDiffEntry .view-line').first().waitFor();
    await workbench.screenshot('main-job-review');
    // Folded, all files are in sight.
    await workbench.clickEditorAction('Collapse All Diffs');
    const files = workbench.page.locator('.editor-group-container .multiDiffEntry .file-path:visible');
    await until('both files are there', async () => (await files.count()) === 2);
    assert.deepEqual((await files.allInnerTexts()).map((file) => file.replace(/\s+/g, ' ').trim()), ['csv.js/src', 'csv.test.js/test']);
    await workbench.clickEditorAction('Approve & Merge');
    await baton.decision('Approve merge', 'csv-quoted-fields').waitFor({ state: 'detached' });
    await until('it is merged', async () => (await sample.task('csv-quoted-fields'))?.state === 'done', 120_000);
  });

  it('merges what is approved, one task after the other', async () => {
    for (const id of TASKS.filter((one) => one !== 'csv-quoted-fields')) await baton.approve('Approve merge', id);
    await until('all tasks are done', async () => (await Promise.all(TASKS.map((id) => sample.task(id)))).every((task) => task?.state === 'done'), 120_000);
  });

  it('ends with everything on main, gates green, the user’s own changes untouched and nothing left behind (row 226)', async () => {
    const merges = (await sample.git('log', '--format=%(trailers:key=Baton-Task,valueonly)', 'main')).split('\n').filter((line) => line !== '');
    assert.deepEqual([...merges].sort(), TASKS);
    assert.ok(merges.indexOf('csv-export') < merges.indexOf('csv-quoted-fields'), 'the dependent task landed later');
    await until('worktrees and branches are gone', async () => (await sample.git('worktree', 'list')).split('\n').length === 1 && (await sample.git('branch', '--list', 'baton/*')) === '');
    assert.deepEqual(existsSync(sample.worktrees) ? (await readdir(sample.worktrees, { recursive: true })).filter((name) => name.endsWith('.js')) : [], []);
    // The user's work in progress is as it was, and the only change in the checkout.
    const status = (await sample.git('status', '--porcelain')).split('\n').filter((line) => !line.includes('.baton/'));
    assert.deepEqual(status, [' M tools/check.mjs', '?? notes.txt']);
    assert.match(await readFile(path.join(sample.root, 'tools/check.mjs'), 'utf8'), /^\/\/ Half a thought\./);
    const clone = path.join(temp.path, 'clone');
    await sample.git('clone', '--quiet', sample.root, clone);
    await run(process.execPath, ['--test'], { cwd: clone });
    await run(process.execPath, ['tools/check.mjs'], { cwd: clone });
  });

  it('needs nobody any more: no decision, no badge, an idle status bar', async () => {
    await baton.needsYou.getByText('Nothing needs you.').waitFor();
    await baton.waitForStatus('Baton idle');
    await until('the badge is gone', async () => (await workbench.containerBadge('Baton')) === null);
    await workbench.row(/^Done today\s*6/, baton.queue).waitFor();
    assert.deepEqual(await workbench.notifications(), []);
    await workbench.expandRows([workbench.row(/^Done today/, baton.queue)], baton.task(QUOTED));
    for (const theme of ['light', 'high-contrast', 'high-contrast-light', 'dark'] as const) {
      await workbench.changeTheme(theme);
      await workbench.screenshot(`main-job-done-${theme}`);
    }
  });

  /** What the last shell command of a task printed, as its agent told the model. */
  function outcome(id: string): Promise<string | undefined> {
    const requests = model.turns('till').filter(({ conversation }) => conversation !== undefined && taskIn(conversation) === id);
    return Promise.resolve(requests.at(-1)?.conversation?.results.at(-1)?.output);
  }
});
