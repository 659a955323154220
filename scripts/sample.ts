/** The sample repository: a small real library with defects and gaps, tasks for them, and agents that do the tasks. */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ensureBatonFolder } from '../src/adapters/sources/batonFolder.ts';

export interface SampleOptions {
  /** Folder of the repository; it must be absent, empty, or a sample made earlier. */
  readonly dir: string;
  /** Folder of this project, where the sample's files are. */
  readonly project: string;
  /** Name of the agent that implements; the scripted one when absent. */
  readonly agent?: string;
  /** Milliseconds that the scripted agent takes for a line of output. */
  readonly pace?: number;
  /** Throw an earlier sample away and start over. */
  readonly fresh?: boolean;
}

/** Names a repository as a sample, which may be thrown away, where no commit can carry it. */
const MARKER = '.git/baton-sample';

/** Makes the sample repository, or finds the one made before. Throws when the folder holds something else. */
export async function makeSample(options: SampleOptions): Promise<{ readonly dir: string; readonly created: boolean }> {
  const { dir, project } = options;
  const ours = existsSync(path.join(dir, MARKER));
  if (existsSync(dir) && !ours && readdirSync(dir).length > 0) {
    throw new Error(`${dir} exists and is no sample that was made here. Name another folder with --dir.`);
  }
  const worktrees = `${dir}.worktrees`;
  if (ours && options.fresh === true) {
    rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
    rmSync(worktrees, { recursive: true, force: true, maxRetries: 5 });
  }
  const config = path.join(dir, '.baton/orchestrator.yaml');
  const created = !existsSync(path.join(dir, MARKER));
  if (created) {
    mkdirSync(dir, { recursive: true });
    cpSync(path.join(project, 'sample/repository'), dir, { recursive: true });
    cpSync(path.join(project, 'sample/agents'), path.join(dir, '.baton/agents'), { recursive: true });
    const pace = options.pace === undefined ? '' : `, env: {SAMPLE_PACE: "${options.pace}"}`;
    const text = readFileSync(config, 'utf8').replace('args: [.baton/agents/worker.mjs]', (args) => args + pace);
    // Beside the sample instead of in the user's data folder, so that removing the cache removes everything.
    writeFileSync(config, `${text}\nworktree:\n  root: ${JSON.stringify(worktrees)}\n`);
    if (options.agent !== undefined) useAgent(config, options.agent);
    await ensureBatonFolder(dir);
    initRepository(dir);
  } else if (options.agent !== undefined) {
    useAgent(config, options.agent);
  }
  return { dir, created };
}

/** Makes an agent the implementer; agents that are installed are found by Baton without being configured. */
function useAgent(config: string, agent: string): void {
  const text = readFileSync(config, 'utf8');
  writeFileSync(config, text.replace(/^( {2}implementer: ).*$/m, (_, key: string) => key + agent));
}

function initRepository(dir: string): void {
  const git = (...args: string[]) => execFileSync('git', args, { cwd: dir, stdio: 'pipe' });
  git('init', '--quiet', '--initial-branch=main');
  // The sample is nobody's work: it must not need the user's name or signing key.
  for (const [key, value] of [
    ['user.name', 'Baton Sample'],
    ['user.email', 'sample@baton.invalid'],
    ['commit.gpgsign', 'false'],
    ['core.autocrlf', 'false'],
  ] as const) {
    git('config', key, value);
  }
  git('add', '--all');
  git('commit', '--quiet', '--no-verify', '--message', 'A small library with a few defects and gaps');
  writeFileSync(path.join(dir, MARKER), 'Made by "npm start"; may be thrown away.\n');
}
