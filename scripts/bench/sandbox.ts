/** A place of its own for a benchmark: a small repository and a home in which the machine's agents and settings are out of sight. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gitEnv, makeRepo, type TestRepo } from '../../test/support/repo.ts';
import { keepTempDir } from '../../test/support/tmp.ts';
import { which } from '../../test/support/vscode/tools.ts';

export const DIST = path.resolve('dist');
export const CLI = path.join(DIST, 'cli.js');

export interface Sandbox {
  readonly root: string;
  readonly repo: TestRepo;
  /** For every process of the benchmark. */
  readonly env: Record<string, string>;
  remove(): Promise<void>;
}

/** A repository of some 60 small files in which `agent.sh` is the only agent and one gate looks at what it wrote. */
export async function makeSandbox(): Promise<Sandbox> {
  const temp = keepTempDir();
  const files = Object.fromEntries(Array.from({ length: 60 }, (_, index) => [`src/part${index % 6}/file${index}.txt`, `Line of file ${index}\n`.repeat(40)]));
  const repo = await makeRepo({ ...files, '.gitignore': '.baton/\n', 'README.md': '# Sample\n' }, path.join(temp.path, 'repository'));
  const env = sandboxEnv(temp.path);
  const agent = path.join(temp.path, 'agent.sh');
  writeFileSync(agent, AGENT);
  chmodSync(agent, 0o755);
  mkdirSync(path.join(repo.root, '.baton'), { recursive: true });
  writeFileSync(
    path.join(repo.root, '.baton/orchestrator.yaml'),
    ['agents:', `  script: {driver: command, command: ${JSON.stringify(agent)}}`, 'roles:', '  implementer: script', 'gates:', `  - {name: check, run: ${JSON.stringify(GATE)}}`, 'merge:', '  policy: auto', ''].join('\n'),
  );
  return { root: temp.path, repo, env, remove: () => temp.remove() };
}

/** The agent of both sides: reads its prompt and writes one file, each task its own, so that tasks at once do not conflict. */
const AGENT = '#!/bin/sh\ncat >/dev/null\necho "changed for $BATON_TASK_ID" >> "src/part0/$BATON_TASK_ID.txt"\n';

/** The gate of both sides. It names no file that the task changes: such a change is a human's to judge. */
export const GATE = 'grep -rq "changed for" .';

function sandboxEnv(root: string): Record<string, string> {
  const home = path.join(root, 'home');
  const run = path.join(root, 'run');
  const bin = path.join(root, 'bin');
  for (const folder of [home, run, bin]) mkdirSync(folder, { recursive: true, mode: 0o700 });
  const given = Object.entries(gitEnv()).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const clean = Object.fromEntries(given.filter(([name]) => !name.startsWith('BATON_') && !name.startsWith('CLAUDE') && !name.startsWith('npm_')));
  return { ...clean, HOME: home, XDG_RUNTIME_DIR: run, XDG_DATA_HOME: path.join(home, 'data'), PATH: systemPath() };
}

/** The folders of git and the system's tools, without those where coding CLIs are installed as a rule. */
function systemPath(): string {
  const git = which('git');
  return [...new Set([...(git === undefined ? [] : [path.dirname(git)]), '/usr/bin', '/bin'])].join(path.delimiter);
}

/** Runs a program to its end and returns the milliseconds that it took. Throws with its output when it fails. */
export function timed(file: string, args: readonly string[], cwd: string, env: Record<string, string>): number {
  const begun = performance.now();
  execFileSync(file, args, { cwd, env, stdio: ['ignore', 'ignore', 'pipe'] });
  return performance.now() - begun;
}
