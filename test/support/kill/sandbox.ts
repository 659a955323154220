/**
 * A repository with a user's unsaved work, agents that really edit files and leave daemons behind, and engines that are killed over it. What
 * an agent does is noted in a journal outside the repository, so that the tests need not believe the engine.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { build } from 'esbuild';
import { identifyNow } from '../../../src/adapters/process/table.ts';
import { stateFileText } from '../../../src/adapters/store/records.ts';
import type { TaskExecution } from '../../../src/core/execution.ts';
import { isTaskEdge } from '../../../src/core/states.ts';
import { findRepository } from '../../../src/host/repositoryKey.ts';
import { killNow, survivors, until } from '../processes.ts';
import { gitEnv, makeRepo, type TestRepo } from '../repo.ts';
import type { KillPoint } from './points.ts';
import { AGENT, COMMON, GATE, HOOK, SETUP } from './scripts.ts';

/** How long an engine may take for anything, in ms: a test that waits longer has found a fault. */
const DEADLINE = 40_000;
/** What it may take for each task, in ms, where there are many. */
const PER_TASK = 6_000;

export interface Ended {
  readonly killed: boolean;
  readonly lines: readonly string[];
}

export interface RunOptions {
  /** The engine kills itself here. */
  readonly point?: KillPoint;
  /** A script kills the engine here (see scripts.ts). */
  readonly hook?: string;
  /** The engine is killed this long after its start, in ms. */
  readonly afterMs?: number;
  /** The running agents are killed together with the engine. */
  readonly agentsToo?: boolean;
  /** The runners of the agents are killed right after it; the agents are not. */
  readonly runnersToo?: boolean;
}

interface Noted {
  /** Agents outlive their engine; setup commands and gates do not. */
  readonly kind: string;
  readonly pid: number;
  readonly started: string;
}

export class Sandbox {
  readonly folder: string;
  readonly repo: TestRepo;
  readonly batonDir: string;
  readonly #dist: string;
  readonly #mark: string;
  readonly #status: string;
  readonly #tasks: string[] = [];
  /** Steps that were stored as completed when an engine died, and how often they had been started by then. */
  readonly #completed = new Map<string, number>();

  static async create(folder: string, dist: string): Promise<Sandbox> {
    const repo = await makeRepo(
      { 'README.md': '# Sample\n', 'notes.txt': 'as committed\n', '.gitignore': 'made\n', '.baton/orchestrator.yaml': configuration(folder), '.baton/.gitignore': '*\n' },
      path.join(folder, 'repo'),
    );
    for (const name of ['run', 'data']) mkdirSync(path.join(folder, name), { mode: 0o700 });
    for (const [name, text] of Object.entries({ 'agent.sh': AGENT, 'gate.sh': GATE, 'setup.sh': SETUP })) writeFileSync(path.join(folder, name), COMMON + text);
    for (const name of ['pre-commit', 'post-merge']) {
      mkdirSync(path.join(repo.root, '.git', 'hooks'), { recursive: true });
      writeFileSync(path.join(repo.root, '.git', 'hooks', name), `${HOOK.replace('FOLDER', folder)}${COMMON}at ${name}\n`);
      chmodSync(path.join(repo.root, '.git', 'hooks', name), 0o755);
    }
    writeFileSync(path.join(folder, 'journal'), '');
    // What a user may have lying around: a changed file, a new one, a staged one.
    await repo.write({ 'notes.txt': 'as I left it\n', 'scratch.txt': 'mine\n', 'staged.txt': 'staged\n' });
    await repo.git('add', 'staged.txt');
    const { key } = await findRepository(repo.root);
    return new Sandbox(folder, repo, dist, `${key}:`, await repo.git('status', '--porcelain', '--', '.', ':!.baton'));
  }

  private constructor(folder: string, repo: TestRepo, dist: string, mark: string, status: string) {
    this.folder = folder;
    this.repo = repo;
    this.batonDir = path.join(repo.root, '.baton');
    this.#dist = dist;
    this.#mark = mark;
    this.#status = status;
  }

  /** Queues tasks. One whose id starts with `fix` fails its gate first, one with `ask` needs approval. */
  queue(...ids: string[]): void {
    this.#tasks.push(...ids);
    const text = this.#tasks.map((id) => `  - {id: ${id}, goal: Work on ${id}, requires_approval: ${id.startsWith('ask')}}\n`).join('');
    writeFileSync(path.join(this.batonDir, 'tasks.yaml'), `tasks:\n${text}`);
    writeFileSync(path.join(this.folder, 'wanted'), String(this.#tasks.length));
  }

  /** Keeps agents from finishing, or lets them. */
  hold(on: boolean): void {
    const file = path.join(this.folder, 'hold');
    if (on) writeFileSync(file, '');
    else rmSync(file, { force: true });
  }

  /** Runs an engine until it has done all tasks or is killed, and looks at what it left. */
  async run(options: RunOptions = {}): Promise<Ended> {
    if (options.hook !== undefined) writeFileSync(path.join(this.folder, `kill-at-${options.hook}`), '');
    const before = this.#noted();
    const args = ['--disable-warning=ExperimentalWarning', path.join(this.#dist, 'engineProcess.js'), this.folder, ...(options.point === undefined ? [] : [JSON.stringify(options.point)])];
    const env = { ...gitEnv(), XDG_RUNTIME_DIR: path.join(this.folder, 'run'), XDG_DATA_HOME: path.join(this.folder, 'data') };
    const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    // Those that it finds undone are done one after the other.
    const deadline = Math.max(DEADLINE, PER_TASK * this.#tasks.length);
    const lines: string[] = [];
    let orphans: string[] = [];
    const collect = (line: string): void => {
      lines.push(line);
      // Nothing but agents that a dead engine started may still live once the next one is open.
      if (line === 'open') orphans = before.filter((one) => one.kind !== 'agent' && lives(one)).map(({ pid }) => describeProcess(pid));
    };
    const read = [child.stdout, child.stderr].map((stream) => new Promise((resolve) => createInterface(stream).on('line', collect).once('close', resolve)));
    const timers = [
      setTimeout(() => {
        lines.push(`not done within ${deadline} ms`);
        child.kill('SIGKILL');
      }, deadline),
      ...(options.afterMs === undefined ? [] : [setTimeout(() => child.kill('SIGKILL'), options.afterMs)]),
    ];
    const signal = await new Promise<NodeJS.Signals | null>((resolve) => child.once('exit', (_code, name) => resolve(name)));
    await Promise.all(read);
    for (const timer of timers) clearTimeout(timer);
    if (options.agentsToo === true) this.#killAgents();
    if (options.runnersToo === true) for (const pid of await this.#runners()) killNow(pid);
    const told = lines.join('\n');
    assert.ok(!lines.some((line) => /^(failed|error|not done)/.test(line)), told);
    assert.deepEqual(orphans, [], told);
    assert.equal(signal === 'SIGKILL' || lines.at(-1) === 'done', true, told);
    await this.#assertNothingLost(told);
    return { killed: signal === 'SIGKILL', lines };
  }

  /** Kills an engine at the point; fails when the point does not come. */
  async killed(options: RunOptions): Promise<void> {
    const { killed, lines } = await this.run(options);
    assert.ok(killed, `It was not killed ${JSON.stringify(options)}:\n${lines.join('\n')}`);
  }

  /** Lets an engine finish, and checks that everything happened exactly once and nothing is left over. */
  async finish(): Promise<TaskExecution[]> {
    const { killed, lines } = await this.run();
    const told = lines.join('\n');
    assert.equal(killed, false, told);
    const stored = this.tasks();
    assert.deepEqual(stored.map((task) => task.task_id).sort(), [...this.#tasks].sort());
    for (const task of stored) this.#assertDoneOnce(task);
    this.#assertOnce('step_completed', (data) => String(data['step_id']));
    this.#assertOnce('task_completed', () => '');

    const merges = (await this.repo.git('log', '--format=%(trailers:key=Baton-Task,valueonly,separator=%x2C)', 'main')).split('\n').filter((id) => id !== '');
    assert.deepEqual(merges.sort(), [...this.#tasks].sort(), 'one merge commit a task');
    for (const task of stored) {
      const { task_id: id, attempts, history } = task;
      const told = JSON.stringify({ attempts, history, journal: this.#journal().filter((line) => line.includes(` ${id} `)) }, null, 1);
      assert.equal(await this.repo.git('show', `main:${id}.txt`), id.startsWith('fix') ? 'work\nfixed' : 'work', `${id} ${told}`);
    }

    assert.deepEqual(this.#journal().filter((line) => line.includes('could not be started')), [], 'an engine worked without one of its processes');
    // A runner that has told the end of its agent goes by itself.
    await until('nothing is left', async () => (await survivors(this.#mark)).length === 0);
    assert.deepEqual(this.#noted().filter(lives), [], 'processes are left');
    assert.equal(await this.repo.git('ls-tree', '--name-only', 'main', 'left-by-gate.txt'), '', `what a gate left has landed\n${told}`);
    await this.repo.git('fsck', '--strict', '--no-dangling');
    assert.deepEqual((await this.repo.git('worktree', 'list', '--porcelain')).split('\n').filter((line) => line.startsWith('worktree ')).length, 1, 'worktrees are left');
    assert.deepEqual(locks(path.join(this.repo.root, '.git')), []);
    assert.deepEqual(await this.repo.git('for-each-ref', '--format=%(refname)', 'refs/heads'), 'refs/heads/main');
    const worktrees = path.join(this.folder, 'data', 'baton', 'worktrees');
    for (const name of readdirSync(worktrees)) assert.deepEqual(readdirSync(path.join(worktrees, name)), [], 'folders are left');
    for (const task of stored) assert.equal(readFileSync(path.join(this.batonDir, 'state', `${task.task_id}.json`), 'utf8'), stateFileText(JSON.stringify(task)));
    assert.deepEqual(readdirSync(path.join(this.batonDir, 'state')).sort(), this.#tasks.map((id) => `${id}.json`).sort());
    return stored;
  }

  /** The records as they are stored. */
  tasks(): TaskExecution[] {
    return this.#query('SELECT json FROM tasks').map((row) => JSON.parse(row['json'] as string) as TaskExecution);
  }

  /** How often agents have started to work on a step. */
  starts(taskId: string, stepId: string): number {
    return this.#journal().filter((line) => line === `start ${taskId} ${stepId}`).length;
  }

  /** What must hold at any moment, whoever died. */
  async #assertNothingLost(told: string): Promise<void> {
    assert.equal(await this.repo.git('status', '--porcelain', '--', '.', ':!.baton'), this.#status, told);
    assert.equal(readFileSync(path.join(this.repo.root, 'notes.txt'), 'utf8'), 'as I left it\n', told);
    assert.equal(readFileSync(path.join(this.repo.root, 'scratch.txt'), 'utf8'), 'mine\n', told);
    assert.equal(await this.repo.git('stash', 'list'), '', told);
    for (const [step, started] of this.#completed) {
      const [taskId = '', stepId = ''] = step.split(' ');
      assert.equal(this.starts(taskId, stepId), started, `a finished step was repeated: ${step}\n${told}`);
    }
    for (const task of this.tasks()) {
      for (const step of task.steps) if (step.state === 'completed') this.#completed.set(`${task.task_id} ${step.step_id}`, this.starts(task.task_id, step.step_id));
    }
  }

  #assertDoneOnce(task: TaskExecution): void {
    const told = JSON.stringify(task, null, 2);
    assert.equal(task.state, 'done', told);
    assert.equal(task.history.filter(({ to }) => to === 'done').length, 1, told);
    for (const { from, to } of task.history) assert.ok(from === null || isTaskEdge(from, to), told);
    assert.deepEqual(task.steps.map((step) => [step.step_id, step.state]), (task.task_id.startsWith('fix') ? ['implement', 'fix-1'] : ['implement']).map((id) => [id, 'completed']), told);
    assert.ok(task.attempts.every((attempt) => attempt.outcome === 'succeeded' || attempt.outcome === 'interrupted' || attempt.outcome === 'failed'), told);
    assert.equal(task.quality_gate_results.at(-1)?.passed, true, told);
    assert.deepEqual(task.decisions.filter(({ status }) => status === 'open'), [], told);
    assert.equal(task.merge_started_at, null, told);
  }

  #assertOnce(type: string, detail: (data: Record<string, unknown>) => string): void {
    const seen = this.#query(`SELECT task_id, json FROM events WHERE type = '${type}'`).map((row) => `${String(row['task_id'])} ${detail(JSON.parse(row['json'] as string) as Record<string, unknown>)}`);
    assert.deepEqual(seen, [...new Set(seen)], `${type} more than once`);
  }

  #query(sql: string): Record<string, unknown>[] {
    const file = path.join(this.batonDir, 'baton.db');
    if (!existsSync(file)) return [];
    const db = new DatabaseSync(file, { timeout: 5000 });
    try {
      const made = db.prepare("SELECT count(*) AS tables FROM sqlite_master WHERE name = 'tasks'").get()?.['tables'];
      return made === 0 ? [] : db.prepare(sql).all();
    } finally {
      db.close();
    }
  }

  #journal(): string[] {
    return readFileSync(path.join(this.folder, 'journal'), 'utf8').split('\n');
  }

  /** Every process that a script said it is or has started. */
  #noted(): Noted[] {
    return this.#journal().flatMap((line) => {
      const match = /^process (\w+) (\d+) (\d+)$/.exec(line);
      return match ? [{ kind: match[1] ?? '', pid: Number(match[2]), started: match[3] ?? '' }] : [];
    });
  }

  #killAgents(): void {
    for (const one of this.#noted().filter(lives)) killNow(one.pid);
  }

  /** Pids of the runners that live. */
  #runners(): Promise<number[]> {
    return survivors(`${this.#mark}-runner:`);
  }
}

/** Bundles the engine that is killed, as it ships: starting from its sources would take most of a test's time. */
export async function buildEngineProcess(folder: string): Promise<void> {
  const entryPoints = { storeWorker: 'src/adapters/store/worker.ts', runner: 'src/adapters/runner/main.ts', engineProcess: 'test/support/kill/engineProcess.ts' };
  await build({ entryPoints, outdir: folder, bundle: true, platform: 'node', format: 'cjs', mainFields: ['module', 'main'], logLevel: 'error' });
}

function configuration(folder: string): string {
  return [
    'orchestrator: {poll_interval: 60, max_concurrent_tasks: 3}',
    'retry: {initial_backoff: 0.1, max_backoff: 0.5}',
    'merge: {policy: auto}',
    `worktree: {setup: ["sh ${folder}/setup.sh ${folder}"]}`,
    `agents: {worker: {driver: command, command: sh, args: [${folder}/agent.sh, ${folder}]}}`,
    'roles: {implementer: worker}',
    `gates: [{name: check, run: "sh ${folder}/gate.sh ${folder}", timeout: 60}]`,
    '',
  ].join('\n');
}

function lives(one: Noted): boolean {
  return identifyNow(one.pid)?.started.endsWith(`/${one.started}`) === true;
}

function describeProcess(pid: number): string {
  try {
    return `${pid} ${readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')}`;
  } catch {
    return `${pid} (gone by now)`;
  }
}

/** Lock files that a git process left. */
function locks(gitDir: string): string[] {
  return readdirSync(gitDir, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.lock'));
}
