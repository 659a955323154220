import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { standInForge, type StandIn } from '../support/gh.ts';
import { until } from '../support/processes.ts';
import { makeRepo, type TestRepo } from '../support/repo.ts';
import { oneStory } from '../support/story.ts';
import { keepTempDir } from '../support/tmp.ts';
import { BatonWindow } from '../support/vscode/baton.ts';
import { openWorkbench, type Workbench } from '../support/vscode/workbench.ts';

/** A task whose id has "slow" works until it is ended. */
const AGENT = `
import { writeFileSync } from 'node:fs';
const id = process.env.BATON_TASK_ID;
while (id.includes('slow')) await new Promise((done) => setTimeout(done, 50));
writeFileSync(id + '.txt', 'done');
`;

function configuration(quietHours: string | null): string {
  return `
agents:
  writer: {driver: command, command: node, args: [agent.mjs], model: big}
models:
  big: {input_per_mtok: 15, output_per_mtok: 75, provider: p}
  small: {input_per_mtok: 1, output_per_mtok: 5, provider: p}
roles: {implementer: writer}
gates:
  - {name: there, run: "git --version"}
budget: {allow_unpriced: true, reserve_usd: 0.25}
${quietHours === null ? '' : `attention: {quiet_hours: "${quietHours}"}`}
`;
}

/** All hours of the day but the one that has just passed. */
function almostAlways(): string {
  const hour = new Date().getHours();
  const at = (offset: number): string => `${String((hour + 24 + offset) % 24).padStart(2, '0')}:00`;
  return `${at(-1)}-${at(-2)}`;
}

/** One story: notifications, then the commands that make tasks and those that forget them. */
describe('Commands and notifications in VS Code', function () {
  this.timeout(300_000);
  oneStory();
  const temp = keepTempDir();
  let repo: TestRepo;
  let forge: StandIn;
  let window: Workbench;
  let baton: BatonWindow;
  const write = async (name: string, text: string): Promise<void> => {
    await mkdir(path.dirname(path.join(repo.root, name)), { recursive: true });
    await writeFile(path.join(repo.root, name), text);
  };
  const dialog = () => window.page.locator('.monaco-dialog-box');

  before(async () => {
    repo = await makeRepo({ 'agent.mjs': AGENT, '.baton/orchestrator.yaml': configuration(almostAlways()) }, path.join(temp.path, 'sample'));
    forge = await standInForge(repo, path.join(temp.path));
    // VSCODE_CLI: VS Code asks no login shell for a PATH, on which a real gh may come first.
    window = await openWorkbench(repo.root, { env: { VSCODE_CLI: '1', PATH: process.env['PATH'] ?? '', XDG_DATA_HOME: path.join(temp.path, 'data'), XDG_RUNTIME_DIR: path.join(temp.path, 'run') } });
    baton = new BatonWindow(window);
    await window.openContainer('Baton');
    await baton.queue.waitFor();
  });

  after(async () => {
    await (window as Workbench | undefined)?.close();
    (forge as StandIn | undefined)?.remove();
    await temp.remove();
  });

  it('tells of nothing in quiet hours, and afterwards of all that came in one notification, which leads to Needs You (row 240)', async () => {
    await window.openContainer('Explorer');
    await write('.baton/tasks/site.md', '# Deploy the site\n');
    await write('.baton/tasks/docs.md', '# Deploy the documentation\n');
    await window.runCommand('Baton: Start');
    await until('the badge counts both', async () => (await window.containerBadge('Baton')) === '2', 120_000);
    // The bell's dot tells also what its name does not: a notification that VS Code showed nowhere.
    assert.equal(await window.page.locator('#status\\.notifications .codicon-bell-dot').count(), 0);
    await write('.baton/orchestrator.yaml', configuration(null));
    await window.notification('Baton: 2 decisions need you.');
    assert.equal(await window.page.locator('.notifications-center .notification-list-item').count(), 1);
    await window.clickNotificationButton('Baton: 2 decisions need you.', 'Show');
    await baton.decision('Approve start', 'site').waitFor();
  });

  it('makes a task from a template, asking for what it leaves open', async () => {
    await write('.baton/templates/bump.md', '# Bump {{package}} to {{version: the latest}}\n');
    await window.runCommand('Baton: New Task from Template…');
    await window.pick('bump');
    await window.typeIntoQuickInput('left-pad');
    await window.quickInput.getByText('New Task from bump (2 of 2)').waitFor();
    await window.page.keyboard.press('Enter');
    await window.waitForRow('Bump left-pad to the latest', baton.queue);
  });

  it('imports the issues that are chosen, each of which asks before it starts, and none twice', async () => {
    const issue = (number: number, title: string) => ({ number, title, body: 'As it says.', labels: [{ name: 'bug' }], url: `https://github.example/acme/sample/issues/${number}`, author: { login: 'somebody' } });
    forge.setIssues([issue(8, 'Totals are off'), issue(7, 'Dates are wrong')]);
    const importAll = async (): Promise<void> => {
      await window.runCommand('Baton: Import GitHub Issues…');
      const row = window.quickInput.locator('.quick-input-list .monaco-list-row').filter({ hasText: '#8 Totals are off' });
      await row.locator('.quick-input-list-checkbox, .monaco-checkbox, input[type=checkbox]').first().click();
      await window.quickInput.getByRole('button', { name: 'OK' }).click();
    };
    await importAll();
    await window.waitForRow(/Approve start.*totals/, baton.needsYou);
    assert.equal(await baton.queue.getByText('Dates are wrong').count(), 0);
    await importAll();
    await window.notification('1 issue was queued already.');
    await window.runCommand('Notifications: Clear All Notifications');
  });

  it('deletes a task with its definition once that is confirmed, and nothing when it is not', async () => {
    const file = path.join(repo.root, '.baton/tasks/docs.md');
    await window.clickRowMenu(await window.waitForRow('Deploy the documentation', baton.queue), 'Delete Task…');
    await dialog().getByText('Delete docs?').waitFor();
    await window.dialogButton('Cancel').click();
    assert.ok(existsSync(file));
    await window.clickRowMenu(baton.task('Deploy the documentation'), 'Delete Task…');
    await window.dialogButton('Delete').click();
    await baton.task('Deploy the documentation').waitFor({ state: 'detached' });
    assert.ok(!existsSync(file));
  });

  it('asks at a budget that an attempt would pass: report, raise, another amount, a cheaper model or the end of the task', async () => {
    await write('.baton/tasks/costly.md', '---\nbudget_usd: 0.1\n---\n# Rewrite it all\n');
    await window.waitForRow('Rewrite it all', baton.queue);
    const item = await window.waitForRow(/costly/, baton.needsYou);
    await window.clickUntil(item, window.quickInput);
    for (const label of ['Show the Report', 'Raise to $0.30', 'Raise to Another Amount…', 'Go On with writer, small', 'Stop the Task…']) await window.quickPickRow(label).waitFor();
    await window.pick('Go On with writer, small');
    await window.waitForRow(/Approve merge.*costly/, baton.needsYou);
  });

  it('forgets what is not at work once that is confirmed, and never what is running', async () => {
    await write('.baton/tasks/slow.md', '# Take very long\n');
    await window.waitForRow(/Take very long/, baton.queue);
    await baton.waitForStatus(/need you/);
    await until('the slow task is at work', async () => (await baton.task('Take very long').innerText()).match(/\d+s|\d+m/) !== null, 120_000);
    await window.runCommand('Baton: Clean State…');
    await dialog().getByText('Remove the stored state of sample?').waitFor();
    const detail = await dialog().innerText();
    assert.match(detail, /costly/);
    assert.doesNotMatch(detail, /\bslow\b,|, slow\b/);
    await window.dialogButton('Cancel').click();
    await baton.decision('Approve merge', 'costly').waitFor();
    await window.runCommand('Baton: Clean State…');
    await window.dialogButton('Remove State').click();
    await baton.decision('Approve merge', 'costly').waitFor({ state: 'detached' });
    assert.match(await baton.task('Take very long').innerText(), /\d+s|\d+m/);
    await window.runCommand('Baton: Stop Now');
  });
});
