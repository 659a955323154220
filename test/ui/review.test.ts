import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Locator } from 'playwright-core';
import { stringify } from 'yaml';
import type { TaskExecution } from '../../src/core/execution.ts';
import { until } from '../support/processes.ts';
import { makeRepo, type TestRepo } from '../support/repo.ts';
import { oneStory } from '../support/story.ts';
import { keepTempDir } from '../support/tmp.ts';
import { BatonWindow } from '../support/vscode/baton.ts';
import { openWorkbench, type Workbench } from '../support/vscode/workbench.ts';

/** Plans, writes, and answers what it is told; a judge of its own reviews. Both are programs, so nothing here is random. */
const AGENT = `
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
const prompt = readFileSync(0, 'utf8');
const role = process.env.BATON_ROLE;
if (role === 'planner') {
  const tested = prompt.includes('Name the tests');
  console.log(JSON.stringify({ summary: 'Round as tills do.', steps: [{ id: 'round', description: tested ? 'Round half up, with tests for halves' : 'Round half up', files: { create: ['src/price.js'], modify: ['README.md'] } }] }));
} else if (role === 'code_reviewer') {
  console.log(JSON.stringify({ status: 'approved', required_changes: [{ severity: 'minor', file: 'src/price.js', line: 2, description: 'Say in the name that these are cents.' }] }));
} else {
  const asked = prompt.includes('### src/price.js:4');
  mkdirSync('src', { recursive: true });
  writeFileSync('src/price.js', ['/** Cents of a price. */', 'export function cents(price) {', '  const exact = price * 100;', asked ? '  return Math.round(exact + Number.EPSILON);' : '  return Math.round(exact);', '}', ''].join('\\n'));
  writeFileSync('README.md', '# Till\\n\\nPrices are rounded half up.\\n');
  console.log('The prices are rounded; the needle is in the stack.');
}
`;
const LINT = "console.log('src/price.js:3:3: warning: a number of cents has no place for fractions'); process.exit(1);\n";

/** The way of one task through a person's hands, told in steps: each builds on the one before. */
describe('A review in VS Code', function () {
  this.timeout(300_000);
  oneStory();
  const temp = keepTempDir();
  let repo: TestRepo;
  let workbench: Workbench;
  let baton: BatonWindow;
  const thread = (text: string): Locator => workbench.page.locator('.review-widget').filter({ hasText: text }).first();
  const record = async (): Promise<TaskExecution> => JSON.parse(await readFile(path.join(repo.root, '.baton/state/price.json'), 'utf8')) as TaskExecution;
  const prompts = async (): Promise<string[]> => {
    const { attempts } = await record();
    const texts = await Promise.all(attempts.map((attempt) => readFile(path.join(repo.root, '.baton/runs/price', attempt.attempt_id, 'transcript.jsonl'), 'utf8')));
    return texts.map((text) => (JSON.parse(text.split('\n')[0] ?? '{}') as { text: string }).text);
  };
  const openReview = async (): Promise<void> => {
    await workbench.runCommand('Baton: Review Changes');
    await workbench.pickContaining('price');
    await workbench.editorTab(/^Baton: price/).waitFor();
    await workbench.page.locator('.editor-group-container .multiDiffEntry .view-line').first().waitFor();
  };
  /** Writes a comment on the line with this text, as a user does: a click on the mark beside it that appears under the pointer. */
  const comment = async (code: string, text: string): Promise<void> => {
    const line = workbench.page.locator('.editor-group-container .view-line').filter({ hasText: code }).last();
    await until('a comment can be written', async () => {
      await line.hover();
      const at = await line.boundingBox();
      if (at === null) return false;
      for (const mark of await workbench.page.locator('.editor-group-container .comment-range-glyph').all()) {
        const box = await mark.boundingBox();
        const middle = at.y + at.height / 2;
        if (box === null || middle < box.y || middle > box.y + box.height || box.x > at.x) continue;
        await workbench.page.mouse.click(box.x + box.width / 2, middle);
        return workbench.page.locator('.review-widget .comment-form').last().waitFor({ timeout: 2000 }).then(() => true, () => false);
      }
      return false;
    });
    const form = workbench.page.locator('.review-widget .comment-form').last();
    await form.locator('.monaco-editor').click();
    await workbench.page.keyboard.type(text);
    await workbench.page.locator('.review-widget').getByRole('button', { name: 'Add Comment' }).last().click();
    await thread(text).getByText('Goes along with Request Changes').waitFor();
  };

  before(async () => {
    const agent = (args: string[]) => ({ driver: 'command', command: process.execPath, args });
    const configuration = {
      agents: { author: agent(['tools/agent.mjs']), judge: agent(['tools/agent.mjs']) },
      roles: { planner: 'author', implementer: 'author', code_reviewer: 'judge' },
      approval: { plan: 'always' },
      gates: [
        { name: 'test', run: 'node --check src/price.js' },
        { name: 'lint', run: 'node tools/lint.mjs', required: false },
      ],
    };
    const tasks = [{ id: 'price', goal: 'Round prices as tills do', risk: 'medium', area: 'core' }];
    repo = await makeRepo(
      { '.baton/orchestrator.yaml': stringify(configuration), '.baton/tasks.yaml': stringify({ tasks }), 'tools/agent.mjs': AGENT, 'tools/lint.mjs': LINT, 'README.md': '# Till\n' },
      path.join(temp.path, 'till'),
    );
    workbench = await openWorkbench(repo.root, { env: { XDG_DATA_HOME: path.join(temp.path, 'data'), XDG_RUNTIME_DIR: path.join(temp.path, 'run') } });
    baton = new BatonWindow(workbench);
    await workbench.openContainer('Baton');
    await workbench.runCommand('Baton: Start');
  });

  after(async () => {
    await (workbench as Workbench | undefined)?.close();
    await temp.remove();
  });

  it('opens a plan that waits as a document whose steps can be commented (row 223)', async () => {
    const item = baton.decision('Approve plan', 'price');
    await item.waitFor({ timeout: 120_000 });
    await item.click();
    await workbench.editorTab('Plan of price.md').waitFor();
    await comment('1. Round half up', 'Name the tests.');
    await workbench.screenshot('review-plan');
  });

  it('takes the comment to the planner, whose next plan resolves it', async () => {
    await workbench.clickEditorAction('Request Changes');
    await workbench.quickInput.getByText('1 comment of yours goes along').waitFor();
    await workbench.typeIntoQuickInput('');
    await until('there is a new plan', async () => (await record()).plan?.steps[0]?.description.includes('with tests') === true, 120_000);
    assert.equal((await record()).threads?.[0]?.status, 'resolved');
    assert.match((await prompts())[1] ?? '', /### Step round\n\n~~~~\nRound half up\n~~~~\n\nName the tests\./);
    await workbench.page.locator('.editor-group-container .view-line').filter({ hasText: 'with tests for halves' }).waitFor();
  });

  it('takes a plan that the user edits and saves, and works by it once it is approved (row 223)', async () => {
    await workbench.clickEditorAction('Edit Plan');
    await workbench.editorTab('Plan of price.yaml').waitFor();
    const line = workbench.page.locator('.editor-group-container .view-line').filter({ hasText: 'Round as tills do.' }).first();
    await line.click();
    await workbench.page.keyboard.press('End');
    await workbench.page.keyboard.type(' In euros.');
    await workbench.screenshot('review-plan-edit');
    await workbench.runCommand('File: Save');
    await until('the plan is changed', async () => (await record()).plan?.summary === 'Round as tills do. In euros.');
    assert.equal((await record()).state, 'awaiting_human_review');
    await workbench.clickEditorAction('Approve');
    await baton.decision('Approve merge', 'price').waitFor({ timeout: 120_000 });
    await workbench.runCommand('View: Close All Editors');
  });

  it('shows what the reviewer and a gate found at their lines, as threads and as problems (row 225)', async () => {
    await openReview();
    await thread('Say in the name that these are cents.').getByText('Reviewer judge · minor').waitFor();
    await thread('a number of cents has no place for fractions').getByText('Gate lint · minor').waitFor();
    // Read-only editors draw no squiggles; the problems are counted and listed all the same.
    await until('two problems are counted', async () => /^\D*0\D+2\D*$/.test(await workbench.page.locator('[id="status.problems"]').innerText()));
    for (const theme of ['light', 'high-contrast', 'dark'] as const) {
      await workbench.changeTheme(theme);
      await workbench.screenshot(`review-findings-${theme}`);
    }
  });

  it('keeps a comment on a line over a reload (row 225)', async () => {
    await comment('return Math.round(exact)', 'Halves of a cent come out wrong here.');
    await workbench.screenshot('review-comment');
    await workbench.reload();
    await workbench.openContainer('Baton');
    await baton.decision('Approve merge', 'price').waitFor({ timeout: 120_000 });
    await openReview();
    await thread('Halves of a cent come out wrong here.').getByText('Goes along with Request Changes').waitFor();
  });

  it('says so before an approval would leave the comment unsent', async () => {
    await workbench.clickEditorAction('Approve & Merge');
    await workbench.page.locator('.monaco-dialog-box').getByText('1 comment of yours on price was not sent.').waitFor();
    await workbench.screenshot('review-unsent');
    await workbench.dialogButton('Cancel').click();
    await baton.decision('Approve merge', 'price').waitFor();
  });

  it('takes the comment to the agent with file, line and code, whose next attempt resolves it (row 225)', async () => {
    await workbench.clickEditorAction('Request Changes');
    await workbench.typeIntoQuickInput('');
    await until('the agent has answered', async () => {
      const task = await record();
      return task.state === 'awaiting_human_review' && task.threads?.at(-1)?.status === 'resolved';
    }, 120_000);
    const told = (await prompts()).find((prompt) => prompt.includes('Halves of a cent')) ?? '';
    assert.match(told, /### src\/price\.js:4\n\n~~~~\n {2}return Math\.round\(exact\);\n~~~~\n\nHalves of a cent come out wrong here\./);
    await workbench.runCommand('View: Close All Editors');
    await baton.decision('Approve merge', 'price').waitFor({ timeout: 120_000 });
    await openReview();
    // Settled threads are folded: the glyph in the margin is what is left of them.
    await workbench.page.locator('.editor-group-container .view-line').filter({ hasText: 'Number.EPSILON' }).waitFor();
    await thread('Say in the name that these are cents.').waitFor();
    assert.equal(await thread('Halves of a cent come out wrong here.').isVisible(), false);
    await workbench.screenshot('review-resolved');
  });

  it('says on its first page what to look at first and why (row 256)', async () => {
    await workbench.clickEditorAction('Show Report');
    const page = await workbench.webview('h2#review-order-2-files-changed');
    await page.getByText('no test changed with it').first().waitFor();
    await page.getByText('documentation').first().waitFor();
    await page.getByText('Halves of a cent come out wrong here.').waitFor();
    await workbench.screenshot('review-report');
    const row = workbench.row('price.js', baton.queue);
    await workbench.expandRows([baton.task('Round prices as tills do'), workbench.row('Files Changed', baton.queue)], row);
    assert.match(await row.innerText(), /high: a script that a gate runs; no test changed with it/);
    await workbench.screenshot('review-files');
  });

  it('finds words in what agents said, and leads to their line (row 239)', async () => {
    await workbench.runCommand('Baton: Search Transcripts…');
    await workbench.typeIntoQuickInput('the needle is in', false);
    await workbench.quickInput.getByText('the needle is in the stack').first().waitFor();
    await workbench.screenshot('review-search');
    await workbench.pickContaining('the needle is in the stack');
    await workbench.page.locator('.editor-group-container .view-line').filter({ hasText: 'the needle is in the stack' }).first().waitFor();
    await workbench.editorTab(/^price a\d+\.md/).waitFor();
  });

  it('walks through what waits from the palette, and merges (row 169)', async () => {
    await workbench.runCommand('Baton: Review…');
    await workbench.quickInput.getByText('1: Approve merge · price').waitFor();
    await workbench.screenshot('review-walkthrough');
    await workbench.pick('Approve');
    await until('it is merged', async () => (await record()).state === 'done', 120_000);
    await baton.needsYou.getByText('Nothing needs you.').waitFor();
  });
});
