import assert from 'node:assert/strict';
import { ModelServer } from '../support/modelServer/server.ts';
import type { Conversation } from '../support/modelServer/scenario.ts';
import { survivors, until } from '../support/processes.ts';
import { sampleModel, taskIn } from '../support/sample/model.ts';
import { makeClaudeSample, type SampleRepository } from '../support/sample/repository.ts';
import { oneStory } from '../support/story.ts';
import { keepTempDir } from '../support/tmp.ts';
import { BatonWindow } from '../support/vscode/baton.ts';
import { openWorkbench, type Workbench } from '../support/vscode/workbench.ts';

const SLUGS = 'Keep accented letters readable';
const README = 'Show in the README';
const DISCOUNT = 'Remove the deprecated';
/** A command that takes its time. */
const WAIT = 'node -e "setTimeout(() => {}, 300000)"';

/** One agent, watched and steered: each step builds on the one before. */
describe('an agent at work', function () {
  this.timeout(300_000);
  oneStory();
  const temp = keepTempDir();
  let model: ModelServer;
  let sample: SampleRepository;
  let workbench: Workbench;
  let baton: BatonWindow;
  let release = (): void => undefined;
  const hold = new Promise<void>((resolve) => (release = resolve));

  const turns = (id: string): Conversation[] => model.turns('till').flatMap(({ conversation }) => (conversation !== undefined && taskIn(conversation) === id ? [conversation] : []));
  /** The text of the active editor, as far as it is in sight. */
  const shown = async (): Promise<string> => {
    const lines = await workbench.page.locator('.editor-group-container.active .monaco-editor .view-line').allInnerTexts();
    return lines.join('\n').replaceAll('\u00a0', ' ');
  };
  /** The waiting tasks in the order of the view. */
  const order = async (): Promise<string[]> => {
    const rows = await baton.texts(baton.queue);
    return rows.flatMap((row) => [SLUGS, README, DISCOUNT].filter((goal) => row.startsWith(goal)));
  };

  before(async function () {
    this.timeout(600_000);
    model = await ModelServer.start();
    const script = await sampleModel({
      'slugify-accents': {
        hold,
        holdAt: 1,
        commands: [WAIT],
        replies: [{ to: 'You were interrupted', turns: [{ text: 'Where was I?', tools: [{ tool: 'shell', command: 'node --test test/text.test.js' }] }, { text: 'All is done.' }] }],
      },
    });
    const tasks = ['slugify-accents', 'readme-usage', 'remove-discount-fraction'];
    const config = '\npermissions:\n  - {tool: shell, pattern: "node -e *", then: allow}\n';
    sample = await makeClaudeSample({ folder: temp.path, model: model.scenario('till', script), tasks, config });
    workbench = await openWorkbench(sample.root, { env: sample.env });
    baton = new BatonWindow(workbench);
    await workbench.openContainer('Baton');
    await baton.task(SLUGS).waitFor();
  });

  after(async () => {
    release();
    await (workbench as Workbench | undefined)?.close();
    await (model as ModelServer | undefined)?.close();
    await temp.remove();
  });

  it('gets the tasks in the order into which the user drags and moves them (row 221)', async () => {
    assert.deepEqual(await order(), [SLUGS, DISCOUNT, README]);
    await workbench.dragRow(baton.task(README), baton.task(SLUGS), async () => (await order())[0] === README);
    assert.match((await baton.texts(baton.queue)).find((row) => row.startsWith(README)) ?? '', /placed by hand/);
    await workbench.clickRowMenu(baton.task(README), 'Move Down');
    await until('it is second', async () => (await order())[1] === README);
    await workbench.clickRowAction(baton.task(DISCOUNT), 'Run Next');
    await until('another one is first', async () => (await order())[0] === DISCOUNT);
    await workbench.clickRowMenu(baton.task(README), 'Clear Manual Place');
    await until('its score counts again', async () => !(await baton.texts(baton.queue)).some((row) => row.startsWith(README) && row.includes('placed by hand')));
  });

  it('writes a transcript that can be read while it grows (row 239)', async () => {
    await workbench.runCommand('Baton: Start');
    await until('the agent has looked at the files', () => turns('slugify-accents').length === 2, 120_000);
    await workbench.clickRowAction(baton.task(SLUGS), 'Open Transcript');
    await workbench.editorTab(/^slugify-accents a1\.md/).waitFor();
    await until('it says what the agent said', async () => (await shown()).includes('Decomposing letters'));
    assert.doesNotMatch(await shown(), /Edit/);
    await workbench.screenshot('agent-transcript');
  });

  it('reads a message of the user, which the transcript shows', async () => {
    await workbench.runCommand('Baton: Send Message to Agent…');
    await workbench.pickContaining('slugify-accents');
    await workbench.typeIntoQuickInput('Mind the Danish letters too.');
    await until('the transcript shows it', async () => (await shown()).includes('Mind the Danish letters too.'));
    assert.equal((await shown()).split('Mind the Danish').length, 2, 'once');
    release();
    await until('the model reads it', () => model.turns('till').some(({ body }) => JSON.stringify(body['messages']).includes('Mind the Danish letters too.')));
    await until('the transcript goes on by itself', async () => (await shown()).includes('setTimeout'), 120_000);
    await workbench.screenshot('agent-transcript-later');
  });

  it('opens its worktree in a new window', async () => {
    const opened = workbench.page.context().waitForEvent('page');
    await workbench.runCommand('Baton: Open Worktree in New Window');
    await workbench.pickContaining('slugify-accents');
    const page = await opened;
    assert.equal(new URL(page.url()).searchParams.get('folder'), (await sample.task('slugify-accents'))?.worktree);
    await page.close();
  });

  it('ends with its whole process tree at Stop Now from the palette, and the task keeps its state (row 231)', async () => {
    const [attempt] = (await sample.task('slugify-accents'))?.attempts ?? [];
    assert.ok(attempt);
    await until('its command runs', async () => (await survivors(attempt.mark)).length >= 2);
    await workbench.runCommand('Baton: Stop Now');
    await until('nothing of it is left', async () => (await survivors(attempt.mark)).length === 0, 120_000);
    await until('that is recorded', async () => (await sample.task('slugify-accents'))?.attempts[0]?.outcome === 'interrupted');
    assert.equal((await sample.task('slugify-accents'))?.state, 'implementing');
    await workbench.row(/^Failed/, baton.queue).waitFor({ state: 'detached' });
    await baton.queue.getByText('Stopped. Start to go on where the tasks were.').waitFor();
    await workbench.screenshot('agent-stopped');
  });

  it('goes on in the same session after the next Start, and asks for a permission that outlives a reload (row 249)', async () => {
    await workbench.runCommand('Baton: Start');
    await baton.decision('Allow command?', 'slugify-accents · node --test').waitFor({ timeout: 120_000 });
    const { decisions: asked, attempts } = (await sample.task('slugify-accents')) ?? {};
    await workbench.reload();
    await baton.decision('Allow command?', 'slugify-accents · node --test').waitFor();
    assert.deepEqual((await sample.task('slugify-accents'))?.attempts.at(-1), attempts?.at(-1), 'the same agent waits');
    await baton.approve('Allow command?', 'slugify-accents');
    await baton.decision('Approve merge', 'slugify-accents').waitFor({ timeout: 120_000 });
    const task = await sample.task('slugify-accents');
    assert.deepEqual(task?.decisions.filter(({ kind }) => kind === 'permission').map(({ id }) => id), asked?.map(({ id }) => id), 'asked once, not again');
    assert.deepEqual(task?.attempts.map(({ outcome }) => outcome), ['interrupted', 'succeeded']);
    assert.equal(new Set(task.attempts.map(({ session_id }) => session_id)).size, 1);
  });
});
