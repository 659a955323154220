/** The sample repository with the real Claude CLI as its agent, which talks to a scripted model, in a home of its own. */
import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { makeSample } from '../../../scripts/sample.ts';
import type { TaskExecution } from '../../../src/core/execution.ts';
import { claudeEnvironment, provisionClaude } from '../agents.ts';
import { gitEnv } from '../repo.ts';
import { ROOT } from '../vscode/cache.ts';

const run = promisify(execFile);

export interface SampleRepository {
  readonly root: string;
  /** Where Baton makes its worktrees. */
  readonly worktrees: string;
  /** Environment for whoever runs Baton here: no file outside the folder is read or written. */
  readonly env: Readonly<Record<string, string>>;
  git(...args: string[]): Promise<string>;
  /** The task as its state file has it; undefined while there is none. */
  task(id: string): Promise<TaskExecution | undefined>;
  /** Runs the `baton` command and returns what it says with --json. */
  baton(...args: string[]): Promise<unknown>;
}

export interface SampleOptions {
  /** A folder for the repository, its worktrees and the home; made where it is missing. */
  readonly folder: string;
  /** Base URL of the scripted model. */
  readonly model: string;
  /** Only these of the sample's tasks; all when absent. */
  readonly tasks?: readonly string[];
  /** Added to the configuration. */
  readonly config?: string;
}

/** Makes the repository: gates as in the sample, merges reviewed, three agents at once. */
export async function makeClaudeSample(options: SampleOptions): Promise<SampleRepository> {
  const home = path.join(options.folder, 'home');
  const root = path.join(options.folder, 'till');
  await mkdir(path.join(home, 'run'), { recursive: true, mode: 0o700 });
  await makeSample({ dir: root, project: ROOT });
  await useClaude(root, await provisionClaude(), options);
  const agents: Record<string, string> = { ...claudeEnvironment(home, options.model), XDG_RUNTIME_DIR: path.join(home, 'run'), XDG_DATA_HOME: path.join(home, 'data') };
  const env = { ...agents, GIT_CONFIG_GLOBAL: path.join(home, 'gitconfig'), GIT_CONFIG_NOSYSTEM: '1' };
  const git = async (...args: string[]): Promise<string> => (await run('git', args, { cwd: root, env: gitEnv() })).stdout.replace(/\n$/, '');
  await git('commit', '--quiet', '--all', '--message', 'Let Claude work here');
  const baton = async (...args: string[]): Promise<unknown> => {
    const { stdout } = await run(process.execPath, [path.join(ROOT, 'dist/cli.js'), ...args, '--json'], { cwd: root, env: { ...process.env, ...env } });
    return JSON.parse(stdout);
  };
  const task = async (id: string): Promise<TaskExecution | undefined> => {
    const text = await readFile(path.join(root, '.baton/state', `${id}.json`), 'utf8').catch(() => undefined);
    return text === undefined ? undefined : (JSON.parse(text) as TaskExecution);
  };
  return { root, worktrees: `${root}.worktrees`, env, git, task, baton };
}

async function useClaude(root: string, program: string, { tasks, config = '' }: SampleOptions): Promise<void> {
  const file = path.join(root, '.baton/orchestrator.yaml');
  const before = await readFile(file, 'utf8');
  const agent = `agents:\n  claude: {driver: claude, command: ${JSON.stringify(program)}, model: claude-sonnet-4-6, account: anthropic}\n`;
  const text = before.replace(/^agents:\n(?: .*\n)+/m, agent).replace('implementer: scripted', 'implementer: claude');
  await writeFile(file, `${text}${config}`);
  if (tasks === undefined) return;
  const folder = path.join(root, '.baton/tasks');
  for (const name of await readdir(folder)) if (!tasks.includes(path.basename(name, '.md'))) await rm(path.join(folder, name));
}
