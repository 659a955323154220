/** The built command line as processes of their own, on a real repository with a small scripted agent. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gitEnv, makeRepo, type TestRepo } from './repo.ts';
import { beforeRemoval, tempDir } from './tmp.ts';

/** Commands that a failed test left behind must not outlive it. */
const running = new Set<ChildProcess>();
beforeRemoval(async () => {
  await Promise.all(
    [...running].map(async (child) => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      await once(child, 'exit');
    }),
  );
});

const CLI = path.resolve('dist/cli.js');

/** Writes a file named after its task; "slow" tasks wait for a release, "bad" ones leave what the gate refuses. */
const AGENT = `
import { existsSync, writeFileSync } from 'node:fs';
const id = process.env.BATON_TASK_ID;
for await (const _ of process.stdin);
console.log('working on ' + id);
if (id.startsWith('slow')) {
  writeFileSync(process.env.STARTED, String(process.pid));
  while (!existsSync(process.env.RELEASE)) await new Promise((resolve) => setTimeout(resolve, 20));
}
writeFileSync(id + '.txt', id + ' ' + Date.now());
`;

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliRepo extends TestRepo {
  readonly started: string;
  readonly release: () => void;
  readonly env: NodeJS.ProcessEnv;
  /** Runs a command to its end. */
  baton(...args: string[]): Ran;
  batonWith(env: Readonly<Record<string, string>>, ...args: string[]): Ran;
  /** Starts a command and leaves it running. */
  start(...args: string[]): RunningCli;
}

export interface RunningCli {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly ended: Promise<Ran>;
}

export function buildCli(): void {
  if (existsSync(CLI)) return;
  const { status, stderr } = spawnSync(process.execPath, ['esbuild.js'], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`The build failed:\n${stderr}`);
}

/** A repository with these tasks (goal by id) and one gate, which fails while a bad-*.txt is there. */
export async function cliRepo(tasks: Readonly<Record<string, string>>, policy: 'review' | 'auto' = 'auto'): Promise<CliRepo> {
  const home = tempDir();
  const started = path.join(home, 'started');
  const release = path.join(home, 'release');
  const env: NodeJS.ProcessEnv = { ...gitEnv(), XDG_RUNTIME_DIR: home, XDG_DATA_HOME: home, LOCALAPPDATA: home, NO_COLOR: '1', COLUMNS: '120', BATON_MARK: undefined };
  const repo = await makeRepo({
    'agent.mjs': AGENT,
    'gate.mjs': "import { readdirSync } from 'node:fs';\nprocess.exit(readdirSync('.').some((name) => name.startsWith('bad')) ? 1 : 0);\n",
    '.baton/orchestrator.yaml': [
      'agents:',
      `  fake: {driver: command, command: node, args: [agent.mjs], env: ${JSON.stringify({ STARTED: started, RELEASE: release })}}`,
      'roles: {implementer: fake}',
      'gates: [{name: ok, run: node gate.mjs}]',
      `merge: {policy: ${policy}}`,
      // What a killed command leaves at work must not outlive the tests.
      'runner: {orphan_grace: 10s}',
      `worktree: {root: ${JSON.stringify(path.join(home, 'wt'))}}`,
      '',
    ].join('\n'),
    ...Object.fromEntries(Object.entries(tasks).map(([id, goal]) => [`.baton/tasks/${id}.md`, `---\nworkflow: direct\n---\n# ${goal}\n`])),
  });
  const batonWith = (extra: Readonly<Record<string, string>>, ...args: string[]): Ran => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, ...args], { cwd: repo.root, env: { ...env, ...extra }, encoding: 'utf8', timeout: 60_000 });
    return { code: status, stdout, stderr };
  };
  return {
    ...repo,
    started,
    release: () => writeFileSync(release, ''),
    env,
    batonWith,
    baton: (...args) => batonWith({}, ...args),
    start: (...args) => startCli(repo.root, env, args),
  };
}

function startCli(cwd: string, env: NodeJS.ProcessEnv, args: readonly string[]): RunningCli {
  const child = spawn(process.execPath, [CLI, ...args], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  child.once('close', () => running.delete(child));
  const printed = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (printed.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (printed.stderr += text));
  const ended = new Promise<Ran>((resolve) => child.once('close', (code) => resolve({ code, ...printed })));
  return { child, output: () => printed.stdout + printed.stderr, ended };
}

/** Waits for a file to appear and returns its text. */
export async function appeared(file: string): Promise<string> {
  await until(() => existsSync(file) && readFileSync(file, 'utf8') !== '', () => `${file} did not appear`);
  return readFileSync(file, 'utf8');
}

/** Waits until a running command has printed a text. */
export function said(running: RunningCli, text: string): Promise<void> {
  return until(() => running.output().includes(text), () => `"${text}" was not printed. Printed was:\n${running.output()}`);
}

async function until(met: () => boolean, fault: () => string): Promise<void> {
  const deadline = Date.now() + 50_000;
  while (!met()) {
    if (Date.now() > deadline) throw new Error(`Within 20 s: ${fault()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
