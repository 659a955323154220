/** Pull requests on GitHub through its own command line `gh`, which knows the user's sign-in; branches are pushed by git. */
import { execFile } from 'node:child_process';
import * as z from 'zod';
import { BatonError } from '../../core/errors.ts';
import type { Forge, PullRequest } from '../../engine/ports.ts';
import { Git } from '../git/git.ts';
import { headRef } from '../git/refs.ts';
import { childEnvironment } from '../process/environment.ts';
import { findProgram } from '../process/program.ts';

export interface ForgeOptions {
  /** Absolute path of the main checkout. */
  readonly root: string;
}

/** A forge that does not answer must not hold a task for ever. */
const TIMEOUT_MS = 120_000;
const FIELDS = 'url,number,state,mergeCommit';
/** gh's exit code for "you are not signed in". */
const NOT_SIGNED_IN = 4;

const viewSchema = z.object({ url: z.string(), number: z.number(), state: z.enum(['OPEN', 'CLOSED', 'MERGED']), mergeCommit: z.object({ oid: z.string() }).nullish() });

export function createForge({ root }: ForgeOptions): Forge {
  const git = new Git();
  const gh = (args: readonly string[], input = ''): Promise<string> => runGh(root, args, input);
  const look = async (url: string): Promise<PullRequest> => pullRequest(viewSchema.parse(JSON.parse(await gh(['pr', 'view', url, '--json', FIELDS]))));
  return {
    open: async ({ branch, sha, target, title, body }) => {
      const remote = await remoteFor(git, root, target);
      // Before anything is pushed: without gh there would be a branch on the remote and nobody to ask.
      const existing = z.array(viewSchema).parse(JSON.parse(await gh(['pr', 'list', '--head', branch, '--base', target, '--state', 'open', '--limit', '1', '--json', FIELDS])));
      await push(git, root, remote, sha, branch);
      const [known] = existing;
      if (known) return pullRequest(known);
      const url = (await gh(['pr', 'create', '--head', branch, '--base', target, '--title', title, '--body-file', '-'], body)).trim().split('\n').at(-1)?.trim() ?? '';
      return look(url);
    },
    look,
    merge: async (url, sha, strategy) => {
      await gh(['pr', 'merge', url, `--${strategy}`, '--match-head-commit', sha]);
    },
    fetch: async (target) => {
      const remote = await remoteFor(git, root, target);
      await git.run(['fetch', '--quiet', '--no-tags', remote, headRef(target)], { cwd: root, env: { GIT_TERMINAL_PROMPT: '0' } });
      return git.text(['rev-parse', '--verify', 'FETCH_HEAD^{commit}'], { cwd: root });
    },
  };
}

function pullRequest({ url, number, state, mergeCommit }: z.infer<typeof viewSchema>): PullRequest {
  return { url, number, state: state === 'OPEN' ? 'open' : state === 'MERGED' ? 'merged' : 'closed', merge_sha: mergeCommit?.oid ?? null };
}

/** The remote that the target is pulled from, else `origin`, else the only one. */
async function remoteFor(git: Git, root: string, target: string): Promise<string> {
  const configured = (await git.run(['config', '--get', `branch.${target}.remote`], { cwd: root, codes: [0, 1] })).stdout.trim();
  const remotes = (await git.text(['remote'], { cwd: root })).split(/\r?\n/).filter((name) => name !== '');
  const remote = [configured, 'origin', ...(remotes.length === 1 ? remotes : [])].find((name) => remotes.includes(name));
  if (remote !== undefined) return remote;
  throw new BatonError('unsupported', 'merge.policy is pr, but this repository has no remote to push to.', { hint: 'Add one: git remote add origin <url>. Or set merge.policy to review or auto.' });
}

/** By the user's own hooks too: large files are uploaded by one. Never by force: somebody may have pushed to the pull request. */
async function push(git: Git, root: string, remote: string, sha: string, branch: string): Promise<void> {
  const pushed = await git.run(['push', '--quiet', remote, `${sha}:${headRef(branch)}`], { cwd: root, hooks: true, codes: 'any', env: { GIT_TERMINAL_PROMPT: '0' } });
  if (pushed.code === 0) return;
  const said = pushed.stderr.trim().split('\n').slice(0, 12).join('\n');
  const behind = /non-fast-forward|fetch first/.test(said);
  throw new BatonError('git', `${branch} could not be pushed to ${remote}: ${said}`, {
    hint: behind ? `${remote} has commits on ${branch} that the task does not have: merge them in its worktree, or delete the branch there.` : `Make sure that git push ${remote} works in a terminal.`,
  });
}

async function runGh(root: string, args: readonly string[], input: string): Promise<string> {
  const env = childEnvironment({ GH_PROMPT_DISABLED: '1', NO_COLOR: '1' });
  const file = await findProgram('gh', env, root);
  if (file === undefined) {
    throw new BatonError('unsupported', 'merge.policy is pr, which needs the GitHub CLI gh, and it was not found.', { hint: 'Install it (https://cli.github.com) and sign in with gh auth login. Or set merge.policy to review or auto.' });
  }
  return new Promise((resolve, reject) => {
    const child = execFile(file, args, { cwd: root, env, timeout: TIMEOUT_MS, maxBuffer: 16 * 1024 * 1024, windowsHide: true }, (error, stdout, stderr) => {
      if (!error) resolve(stdout);
      else reject(failure(args, error, stderr.trim()));
    });
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
  });
}

function failure(args: readonly string[], error: Error & { code?: unknown; killed?: boolean }, said: string): BatonError {
  if (error.code === NOT_SIGNED_IN || /gh auth login/.test(said)) return new BatonError('unsupported', 'gh is not signed in.', { hint: 'Run gh auth login in a terminal.', cause: error });
  const what = error.killed === true ? `did not answer within ${TIMEOUT_MS / 1000} s` : (said.split('\n').slice(0, 6).join('\n') || error.message);
  return new BatonError('git', `gh ${args.slice(0, 2).join(' ')}: ${what}`, { hint: 'Try the same in a terminal in this repository.', cause: error });
}
