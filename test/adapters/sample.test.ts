import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { loadConfig } from '../../src/core/config/load.ts';
import { parseTaskMarkdown } from '../../src/core/taskFile.ts';
import { makeSample } from '../../scripts/sample.ts';
import { gitEnv } from '../support/repo.ts';
import { keepTempDir, tempDir } from '../support/tmp.ts';

const PROJECT = path.resolve('.');
const TASKS = readdirSync('sample/repository/.baton/tasks').map((name) => path.basename(name, '.md'));

interface Ran {
  readonly code: number | null;
  readonly output: string;
}

function run(cwd: string, args: readonly string[], input = '', env: Readonly<Record<string, string>> = {}): Ran {
  // node --test behaves differently inside another test runner of Node's; mocha is none, but a developer's may be.
  const clean = { ...gitEnv(), NODE_TEST_CONTEXT: undefined };
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd, input, encoding: 'utf8', env: { ...clean, ...env } });
  return { code: status, output: stdout + stderr };
}

function git(cwd: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync('git', args, { cwd, encoding: 'utf8', env: gitEnv() });
  assert.equal(status, 0, stderr);
  return stdout.trim();
}

const agent = (cwd: string, task: string, prompt: string): Ran => run(cwd, ['.baton/agents/worker.mjs'], prompt, { BATON_TASK_ID: task, SAMPLE_PACE: '0' });
const gates = (cwd: string): Ran[] => [run(cwd, ['--test']), run(cwd, ['tools/check.mjs'])];

describe('the sample repository', function () {
  this.timeout(180_000);
  const home = keepTempDir();
  const dir = path.join(home.path, 'sample');

  before(async () => {
    await makeSample({ dir, project: PROJECT, pace: 0 });
    git(dir, 'config', 'gc.auto', '0');
  });
  after(() => home.remove());

  it('is a clean git repository whose gates are green before anything is done', () => {
    assert.equal(git(dir, 'status', '--porcelain'), '');
    for (const gate of gates(dir)) assert.equal(gate.code, 0, gate.output);
  });

  it('has a valid configuration with two gates, agents that are in the repository, and reviews by a human', () => {
    const { config, problems, valid } = loadConfig(readFileSync(path.join(dir, '.baton/orchestrator.yaml'), 'utf8'), '.baton/orchestrator.yaml', {});
    assert.deepEqual([valid, problems], [true, []]);
    assert.deepEqual(config.gates?.map((gate) => gate.name), ['test', 'check']);
    assert.equal(config.merge.policy, 'review');
    assert.equal(config.roles.implementer, 'scripted');
    assert.equal(config.worktree.root, `${dir}.worktrees`);
    assert.deepEqual(config.agents['scripted']?.env, { SAMPLE_PACE: '0' });
    assert.ok(existsSync(path.join(dir, '.baton/agents/worker.mjs')));
  });

  it('has tasks of every priority, one that waits for another, and one whose words need approval', () => {
    const tasks = TASKS.map((id) => {
      const file = `.baton/tasks/${id}.md`;
      const { tasks: [task], problems } = parseTaskMarkdown(readFileSync(path.join(dir, file), 'utf8'), file);
      assert.deepEqual(problems, []);
      return task?.definition ?? assert.fail(`${file} holds no task`);
    });
    assert.deepEqual([...new Set(tasks.map((task) => task.priority ?? 'none'))].sort(), ['high', 'low', 'medium', 'none', 'urgent']);
    assert.deepEqual(tasks.filter((task) => task.depends_on).map((task) => [task.id, task.depends_on]), [['csv-export', ['csv-quoted-fields']]]);
    assert.deepEqual(tasks.filter((task) => /\b(remove|delete|deploy|production|payment|wire|execute|send email)\b/i.test(`${task.goal} ${task.description ?? ''}`)).map((task) => task.id), ['remove-discount-fraction']);
  });

  it('has an agent that fails a gate at first and passes after its output was fed back', () => {
    const tree = path.join(home.path, 'twice');
    git(dir, 'worktree', 'add', '--quiet', '--detach', tree);
    assert.equal(agent(tree, 'csv-quoted-fields', '# Task csv-quoted-fields: Read quoted CSV fields').code, 0);
    const [failed] = gates(tree);
    assert.equal(failed?.code, 1);
    assert.match(failed.output, /not ok .*accepts CRLF line ends|✖ accepts CRLF line ends/);
    assert.equal(agent(tree, 'csv-quoted-fields', `## What must be put right\n\n${failed.output}`).code, 0);
    for (const gate of gates(tree)) assert.equal(gate.code, 0, gate.output);
    git(dir, 'worktree', 'remove', '--force', tree);
  });

  it('is green after every task, and all changes merge without a conflict', () => {
    const work = (id: string): void => {
      const tree = path.join(home.path, id);
      git(dir, 'worktree', 'add', '--quiet', '-b', `try/${id}`, tree, 'main');
      const { code, output } = agent(tree, id, id === 'csv-quoted-fields' ? 'not ok 3 - accepts CRLF line ends' : `# Task ${id}`);
      assert.equal(code, 0, output);
      for (const gate of gates(tree)) assert.equal(gate.code, 0, `${id}: ${gate.output}`);
      git(tree, 'add', '--all');
      git(tree, 'commit', '--quiet', '--message', id);
      git(dir, 'worktree', 'remove', '--force', tree);
    };
    const merge = (id: string): string => git(dir, 'merge', '--quiet', '--no-edit', `try/${id}`);
    // All start at the same commit but csv-export, which starts when what it depends on is merged.
    const first = TASKS.filter((id) => id !== 'csv-export');
    first.forEach(work);
    first.forEach(merge);
    work('csv-export');
    merge('csv-export');
    for (const gate of gates(dir)) assert.equal(gate.code, 0, gate.output);
  });

  it('has an agent that writes down what it cannot do instead of claiming success without a change', () => {
    const before = git(dir, 'rev-parse', 'HEAD');
    const { code, output } = agent(dir, 'readme-usage', '## What must be put right\n\nUse another example.');
    assert.equal(code, 0, output);
    assert.match(readFileSync(path.join(dir, 'NOTES.md'), 'utf8'), /## readme-usage\n\nUse another example\./);
    assert.equal(git(dir, 'rev-parse', 'HEAD'), before);
    assert.equal(agent(dir, 'unknown-task', 'x').code, 1);
  });
});

describe('making the sample', () => {
  it('finds the one made before, and starts over when asked', async () => {
    const dir = path.join(tempDir(), 'sample');
    assert.equal((await makeSample({ dir, project: PROJECT })).created, true);
    writeFileSync(path.join(dir, 'mine.txt'), '');
    assert.equal((await makeSample({ dir, project: PROJECT })).created, false);
    assert.ok(existsSync(path.join(dir, 'mine.txt')));
    assert.equal((await makeSample({ dir, project: PROJECT, fresh: true })).created, true);
    assert.ok(!existsSync(path.join(dir, 'mine.txt')));
  });

  it('never touches a folder that it did not make', async () => {
    const dir = tempDir();
    writeFileSync(path.join(dir, 'precious.txt'), 'x');
    await assert.rejects(makeSample({ dir, project: PROJECT, fresh: true }), /is no sample that was made here\. Name another folder with --dir\./);
    assert.ok(existsSync(path.join(dir, 'precious.txt')));
  });

  it('hands the tasks to another agent', async () => {
    const dir = path.join(tempDir(), 'sample');
    await makeSample({ dir, project: PROJECT, agent: 'claude' });
    const { config } = loadConfig(readFileSync(path.join(dir, '.baton/orchestrator.yaml'), 'utf8'), '.baton/orchestrator.yaml', {});
    assert.equal(config.roles.implementer, 'claude');
  });
});
