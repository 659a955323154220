/** Real git repositories for tests, blind to the user's and the machine's git configuration. */
import { execFile } from 'node:child_process';
import { appendFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { devNull } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { tempDir } from './tmp.ts';

const run = promisify(execFile);

/** File contents by path relative to the repository, with forward slashes. */
export type Files = Readonly<Record<string, string>>;

export interface TestRepo {
  /** Absolute, real path of the main checkout. */
  readonly root: string;
  /** Runs git in the repository and returns stdout without the last newline; rejects with git's own stderr. */
  git(...args: string[]): Promise<string>;
  write(files: Files): Promise<void>;
  /** Writes the files, stages everything and commits; returns the new commit's SHA. */
  commit(message: string, files?: Files): Promise<string>;
}

/**
 * The environment in which git sees neither user nor system configuration, no inherited repository and no prompt.
 * Hand it to every process of a test that runs git.
 */
export function gitEnv(base: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  const clean = Object.fromEntries(Object.entries(base).filter(([name]) => !name.startsWith('GIT_')));
  return {
    ...clean,
    GIT_CONFIG_GLOBAL: devNull,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_EDITOR: 'true',
    LC_ALL: 'C',
  };
}

/** Written, not set one by one by `git config`: hundreds of tests make a repository, and each process costs them all. */
const SETTINGS = `[user]
\tname = Test
\temail = test@example.invalid
[commit]
\tgpgsign = false
[core]
\tautocrlf = false
[gc]
\tauto = 0
`;

/**
 * A repository on branch `main` with one commit of the given files. Identity and line endings are set in its own
 * configuration, so that code which runs git with another environment gets the same results.
 * Without `root` the repository lives in a temporary folder that goes with the running test.
 */
export async function makeRepo(files: Files = { 'README.md': '# Sample\n' }, root: string = tempDir()): Promise<TestRepo> {
  const git = async (...args: string[]): Promise<string> => {
    const { stdout } = await run('git', args, { cwd: root, env: gitEnv(), maxBuffer: 64 * 1024 * 1024 });
    return stdout.replace(/\r?\n$/, '');
  };
  const write = async (contents: Files): Promise<void> => {
    for (const [name, text] of Object.entries(contents)) {
      const file = path.join(root, name);
      await mkdir(path.dirname(file), { recursive: true });
      await writeFile(file, text);
    }
  };
  const commit = async (message: string, contents: Files = {}): Promise<string> => {
    await write(contents);
    await git('add', '--all');
    await git('commit', '--quiet', '--allow-empty', '--message', message);
    return (await branchHead(root)) ?? (await git('rev-parse', 'HEAD'));
  };
  await mkdir(root, { recursive: true });
  await git('init', '--quiet', '--initial-branch=main');
  await appendFile(path.join(root, '.git', 'config'), SETTINGS);
  await commit('Start', files);
  return { root, git, write, commit };
}

/** The commit of the branch that is checked out, from the file that holds it; undefined when it is kept another way. */
async function branchHead(root: string): Promise<string | undefined> {
  const read = (...parts: string[]): Promise<string | undefined> => readFile(path.join(root, '.git', ...parts), 'utf8').then((text) => text.trim(), () => undefined);
  const branch = /^ref: (refs\/heads\/.+)$/.exec((await read('HEAD')) ?? '')?.[1];
  return branch === undefined ? undefined : read(branch);
}
